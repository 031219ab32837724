/** Messages by the contract's descriptors: any, and those that differ a little from one that is right. */

import fc from 'fast-check';
import { WireType, type FieldShape, type MessageShape } from '../../src/contract/message-shape';
import { delimited, varint } from './protobuf';

/** What a field of this name may hold besides anything: texts and bytes that get past the first check. */
export type KnownValues = Readonly<Record<string, readonly Buffer[]>>;

const MAX_FIELDS = 6;
const MAX_DEPTH = 8;

/** A field as it is on the wire. */
interface WireField {
  readonly id: number;
  readonly wireType: number;
  /** Undefined for one that the descriptors do not know. */
  readonly field: FieldShape | undefined;
  /** With its length where it has one. */
  value: Buffer;
  /** The fields of the message that it holds; these count, and not its value. */
  children: WireField[] | undefined;
}

/** Any bytes of a message of this shape. */
export function anyMessage(shape: MessageShape, known: KnownValues, depth = 3): fc.Arbitrary<Buffer> {
  const fields = [...shape.fields].map(([id, field]) => anyField(id, field, known, depth));
  if (fields.length === 0) return fc.constant(Buffer.alloc(0));
  return fc.array(fc.oneof(...fields), { maxLength: MAX_FIELDS }).map((parts) => Buffer.concat(parts));
}

/** A message with up to `times` changes: a field left out, given twice, or with another value, anywhere in it. */
export function alteredMessage(
  right: Buffer,
  shape: MessageShape,
  known: KnownValues,
  times = 3,
): fc.Arbitrary<Buffer> {
  if (times === 0) return fc.constant(right);
  return fc.boolean().chain((more) => {
    const before = more ? alteredMessage(right, shape, known, times - 1) : fc.constant(right);
    return before.chain((bytes) => oneChange(bytes, shape, known));
  });
}

function oneChange(bytes: Buffer, shape: MessageShape, known: KnownValues): fc.Arbitrary<Buffer> {
  const places = [...everyList(parse(bytes, shape))].flatMap((list) => list.map((_, index) => index)).length;
  if (places === 0) return anyMessage(shape, known);
  return fc.nat({ max: places - 1 }).chain((place) => {
    // A tree of its own for every change, which changes it in place.
    const tree = parse(bytes, shape);
    const { list, index } = at(tree, place);
    const found = list[index] as WireField;
    const other =
      found.field === undefined
        ? fc.constant(Buffer.alloc(0))
        : anyField(found.id, found.field, known, 2).filter((encoded) => encoded.length > 0);
    return fc.tuple(fc.constantFrom('out', 'twice', 'other'), other).map(([change, encoded]) => {
      if (change === 'out') list.splice(index, 1);
      else if (change === 'twice') list.splice(index, 0, found);
      else list.splice(index, 1, raw(encoded));
      return Buffer.concat(tree.map(encode));
    });
  });
}

function at(tree: WireField[], place: number): { readonly list: WireField[]; readonly index: number } {
  let left = place;
  for (const list of everyList(tree)) {
    if (left < list.length) return { list, index: left };
    left -= list.length;
  }
  throw new Error(`a message has no field ${place}`);
}

function* everyList(list: WireField[]): Generator<WireField[]> {
  yield list;
  for (const { children } of list) if (children !== undefined) yield* everyList(children);
}

function encode({ id, wireType, value, children }: WireField): Buffer {
  if (wireType < 0) return value;
  if (children !== undefined) return delimited(id, ...children.map(encode));
  return Buffer.concat([varint(id * 8 + wireType), value]);
}

/** The fields of a message; where it ends amid one, as an earlier change may have left it, the rest is one of no kind. */
function parse(bytes: Buffer, shape: MessageShape, depth = 0): WireField[] {
  const fields: WireField[] = [];
  for (let start = 0; start < bytes.length;) {
    const [tag, tagEnd] = readVarint(bytes, start);
    const wireType = tag % 8;
    const id = Math.floor(tag / 8);
    const end = endOfValue(bytes, tagEnd, wireType);
    if (!(end <= bytes.length)) {
      fields.push(raw(bytes.subarray(start)));
      break;
    }
    const field = shape.fields.get(id);
    const inner = wireType === WireType.delimited && depth < MAX_DEPTH ? field?.message : undefined;
    const body = wireType === WireType.delimited ? readVarint(bytes, tagEnd)[1] : tagEnd;
    const children = inner && parse(bytes.subarray(body, end), inner, depth + 1);
    fields.push({ id, wireType, field, value: bytes.subarray(tagEnd, end), children });
    start = end;
  }
  return fields;
}

/** Bytes as they are. */
function raw(value: Buffer): WireField {
  return { id: 0, wireType: -1, field: undefined, value, children: undefined };
}

/** Where a value ends; NaN where that is not known. */
function endOfValue(bytes: Buffer, start: number, wireType: number): number {
  if (wireType === WireType.fixed64) return start + 8;
  if (wireType === WireType.fixed32) return start + 4;
  const [length, body] = readVarint(bytes, start);
  if (wireType === WireType.varint) return body;
  return wireType === WireType.delimited ? body + length : NaN;
}

/** A number and where it ends, both NaN where the bytes end first. */
function readVarint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let index = start; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    value += (byte & 127) * factor;
    factor *= 128;
    if (byte < 128) return [value, index + 1];
  }
  return [NaN, NaN];
}

/** A field with any value; rarely with another wire type, or bytes that are no field. */
function anyField(id: number, field: FieldShape, known: KnownValues, depth: number): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { weight: 30, arbitrary: anyValue(id, field, known, depth) },
    { weight: 1, arbitrary: anyNumber(WireType.varint).map((value) => tagged(id, WireType.varint, value)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => delimited(id, bytes)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) },
  );
}

function anyValue(id: number, field: FieldShape, known: KnownValues, depth: number): fc.Arbitrary<Buffer> {
  if (field.message !== undefined) {
    const inner = depth > 0 ? anyMessage(field.message, known, depth - 1) : fc.constant(Buffer.alloc(0));
    return inner.map((bytes) => delimited(id, bytes));
  }
  if (field.scalar === 'string' || field.scalar === 'bytes') {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    const values = known[field.name] ?? [];
    const any =
      values.length === 0 ? texts : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, texts);
    return any.map((bytes) => delimited(id, bytes));
  }
  const one = anyNumber(field.wireType);
  const single = one.map((value) => tagged(id, field.wireType, value));
  if (!field.repeated) return single;
  return fc.oneof(
    single,
    fc.array(one, { maxLength: 4 }).map((values) => delimited(id, Buffer.concat(values))),
  );
}

function tagged(id: number, wireType: number, value: Buffer): Buffer {
  return Buffer.concat([varint(id * 8 + wireType), value]);
}

function anyNumber(wireType: number): fc.Arbitrary<Buffer> {
  if (wireType === WireType.varint) {
    return fc
      .oneof(
        { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 4n }) },
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.constantFrom(127n, 4096n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n),
      )
      .map(largeVarint);
  }
  if (wireType === WireType.fixed64) {
    return fc.double().map((value) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return bytes;
    });
  }
  return fc.float().map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return bytes;
  });
}

function largeVarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest /= 128n) bytes.push(Number(rest % 128n) + 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
