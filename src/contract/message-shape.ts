/** What the contract's descriptors say of a message: enough to walk its bytes without parsing them. */

import { join } from 'node:path';
import { Enum, MapField, Root, Type, type Field } from 'protobufjs';

/** `src/` and `dist/` lie beside `proto/`. */
const PROTO_DIRECTORY = join(__dirname, '..', '..', 'proto');

/** Wire types of protobuf; groups, 3 and 4, are not among those of proto3. */
export const WireType = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** One field of a message. */
export interface FieldShape {
  /** As in the contract's files. */
  readonly name: string;
  /** How one value is written. */
  readonly wireType: number;
  /** A map counts as repeated messages, which its entries are. */
  readonly repeated: boolean;
  /** The message of a field that holds one. */
  readonly message: MessageShape | undefined;
  /** Whether it is text, bytes or a number; undefined for a message. */
  readonly scalar: 'string' | 'bytes' | 'number' | undefined;
  /** Whether it is a varint of 64 bits. */
  readonly isLong?: boolean;
}

/** A message: its fields by number. */
export interface MessageShape {
  /** The full name, such as "logah.v1.PredictRequest". */
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldShape>;
}

const FIXED64 = new Set(['double', 'fixed64', 'sfixed64']);
const LONG = new Set(['int64', 'uint64', 'sint64']);
const FIXED32 = new Set(['float', 'fixed32', 'sfixed32']);

let contract: Root | undefined;

function loadContract(): Root {
  if (contract !== undefined) return contract;
  const root = new Root();
  root.resolvePath = (_, target) => join(PROTO_DIRECTORY, target);
  root.loadSync(['logah/v1/logah.proto', 'logah/v1/admin.proto'], { keepCase: true }).resolveAll();
  contract = root;
  return root;
}

const shapes = new Map<Type, MessageShape>();

/** The shape of a message of the contract by its full name, or of any type of protobufjs. */
export function messageShape(type: string | Type): MessageShape {
  const resolved = typeof type === 'string' ? loadContract().lookupType(type) : type;
  const known = shapes.get(resolved);
  if (known !== undefined) return known;
  const fields = new Map<number, FieldShape>();
  const shape = { name: resolved.fullName.replace(/^\./, ''), fields };
  // Before its fields, which may hold it again.
  shapes.set(resolved, shape);
  for (const field of resolved.fieldsArray) fields.set(field.id, fieldShape(field));
  return shape;
}

function fieldShape(field: Field): FieldShape {
  field.resolve();
  const { name } = field;
  if (field instanceof MapField) {
    const entry: MessageShape = {
      name: `${field.fullName}.entry`,
      fields: new Map([
        [1, scalarShape('key', field.keyType)],
        [
          2,
          field.resolvedType instanceof Type
            ? nested('value', field.resolvedType)
            : scalarShape('value', field.type),
        ],
      ]),
    };
    return { name, wireType: WireType.delimited, repeated: true, message: entry, scalar: undefined };
  }
  const one =
    field.resolvedType instanceof Type
      ? nested(name, field.resolvedType)
      : scalarShape(name, field.resolvedType instanceof Enum ? 'int32' : field.type);
  return { ...one, repeated: field.repeated };
}

function nested(name: string, type: Type): FieldShape {
  return {
    name,
    wireType: WireType.delimited,
    repeated: false,
    message: messageShape(type),
    scalar: undefined,
  };
}

function scalarShape(name: string, type: string): FieldShape {
  const common = { name, repeated: false, message: undefined };
  if (type === 'string' || type === 'bytes') return { ...common, wireType: WireType.delimited, scalar: type };
  const wireType = FIXED64.has(type)
    ? WireType.fixed64
    : FIXED32.has(type)
      ? WireType.fixed32
      : WireType.varint;
  return { ...common, wireType, scalar: 'number', isLong: LONG.has(type) };
}
