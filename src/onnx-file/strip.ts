/** An ONNX file without the data of its weights, and without what is for people: all that a graph can be read from. */

import { joined } from './bytes';
import { ATTRIBUTE, FUNCTION, GRAPH, INTEGER_BYTES, KEPT_BYTES, MODEL, NODE, TENSOR } from './fields';
import {
  encodeVarint,
  LENGTH_DELIMITED,
  varint,
  WireError,
  wireFields,
  type ByteSource,
  type WireField,
} from './wire';

/** How a message is copied: fields that are left out, and those with a message of another kind. */
interface Copied {
  readonly without: ReadonlySet<number>;
  /** A graph inside is copied as the outermost one is. */
  readonly messages: Readonly<Record<number, Copied | 'tensor' | 'graph'>>;
}

const NODE_COPY: Copied = {
  without: new Set([NODE.docString, NODE.metadata, NODE.deviceConfigurations]),
  messages: {
    [NODE.attribute]: {
      without: new Set([ATTRIBUTE.docString]),
      messages: {
        [ATTRIBUTE.tensor]: 'tensor',
        [ATTRIBUTE.tensors]: 'tensor',
        [ATTRIBUTE.graph]: 'graph',
        [ATTRIBUTE.graphs]: 'graph',
      },
    },
  },
};

const GRAPH_COPY: Copied = {
  without: new Set([GRAPH.docString, GRAPH.valueInfo, GRAPH.quantization, GRAPH.metadata]),
  messages: { [GRAPH.node]: NODE_COPY, [GRAPH.initializer]: 'tensor' },
};

const MODEL_COPY: Copied = {
  without: new Set([MODEL.docString, MODEL.metadata, MODEL.trainingInfo, MODEL.configuration]),
  messages: {
    [MODEL.graph]: GRAPH_COPY,
    [MODEL.functions]: {
      without: new Set([FUNCTION.docString, FUNCTION.valueInfo, FUNCTION.metadata]),
      messages: {
        [FUNCTION.node]: NODE_COPY,
        [FUNCTION.attributeDefault]: NODE_COPY.messages[NODE.attribute] as Copied,
      },
    },
  },
};

/** Branches in branches. */
const MAX_DEPTH = 64;

const KEPT_OF_TENSORS: ReadonlySet<number> = new Set([TENSOR.dims, TENSOR.dataType, TENSOR.name]);
const INTEGER_DATA: ReadonlySet<number> = new Set([
  TENSOR.int32Data,
  TENSOR.int64Data,
  TENSOR.rawData,
  TENSOR.uint64Data,
]);

/** Far more than the largest networks have: 64 MiB. */
const MAX_BYTES = 2 ** 26;

/** Of a field, for its tag and length. */
const HEADER_BYTES = 16;

/**
 * The bytes of the model without weights, a few kilobytes a layer; of the weights nothing is read. Integers that are
 * small enough to be a shape stay. Throws WireError where the source is no ONNX file.
 */
export function stripWeights(source: ByteSource): Uint8Array {
  let total = 0;
  const limited: ByteSource = {
    size: source.size,
    read(start, end) {
      total += Math.max(0, end - start - HEADER_BYTES);
      if (total <= MAX_BYTES) return source.read(start, end);
      throw new WireError(`more than ${MAX_BYTES} bytes that are no data of weights`);
    },
    // Tags and lengths, which are not counted.
    byteAt: (position) => source.byteAt(position),
  };
  return joined(copy(limited, MODEL_COPY, 0, source.size, 0));
}

function copy(
  source: ByteSource,
  { without, messages }: Copied,
  start: number,
  end: number,
  depth: number,
): Uint8Array[] {
  if (depth > MAX_DEPTH) throw new WireError(`messages nested more than ${MAX_DEPTH} deep`);
  const parts: Uint8Array[] = [];
  for (const field of wireFields(source, start, end)) {
    if (without.has(field.number)) continue;
    const inner = field.wireType === LENGTH_DELIMITED ? messages[field.number] : undefined;
    if (inner === undefined) {
      parts.push(whole(source, field));
    } else {
      const content =
        inner === 'tensor'
          ? copyTensor(source, field.content, field.end)
          : copy(source, inner === 'graph' ? GRAPH_COPY : inner, field.content, field.end, depth + 1);
      const length = content.reduce((sum, part) => sum + part.length, 0);
      parts.push(encodeVarint(field.number * 8 + LENGTH_DELIMITED), encodeVarint(length), ...content);
    }
  }
  return parts;
}

/** Name, type and shape; of integers, as many as make a shape. */
function copyTensor(source: ByteSource, start: number, end: number): Uint8Array[] {
  const fields = [...wireFields(source, start, end)];
  const type = fields.findLast(({ number }) => number === TENSOR.dataType);
  const isInteger = type !== undefined && INTEGER_BYTES.has(varint(source, type.content, type.end).value);
  const data = fields.filter(({ number }) => INTEGER_DATA.has(number));
  const isSmall = data.reduce((sum, field) => sum + field.end - field.content, 0) <= KEPT_BYTES;
  return fields
    .filter(({ number }) => KEPT_OF_TENSORS.has(number) || (isInteger && isSmall && INTEGER_DATA.has(number)))
    .map((field) => whole(source, field));
}

function whole(source: ByteSource, field: WireField): Uint8Array {
  // The slice of a Buffer would be no copy.
  return Uint8Array.from(source.read(field.start, field.end));
}
