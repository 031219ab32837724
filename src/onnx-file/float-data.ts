/** The numbers of a tensor of floating point, wherever the file has them. */

import { utf8 } from './bytes';
import { DATA_TYPES, ENTRY, TENSOR } from './fields';
import {
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  signedVarint,
  varint,
  wireFields,
  type ByteSource,
} from './wire';

/** Numbers that are read a part at a time. */
export interface FloatData {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** Bytes of one number; equal bytes are equal numbers. */
  readonly width: number;
  /** The bytes of the numbers from `start` up to `end`, valid until the next call. */
  readonly bytes: (start: number, end: number) => Uint8Array;
  readonly numbers: (start: number, end: number) => Float64Array;
}

/** Opens a file beside the model; undefined where there is none. */
export type OpenBeside = (location: string) => ByteSource | undefined;

const FLOAT = DATA_TYPES.indexOf('FLOAT');
const FLOAT16 = DATA_TYPES.indexOf('FLOAT16');
const DOUBLE = DATA_TYPES.indexOf('DOUBLE');
const BFLOAT16 = DATA_TYPES.indexOf('BFLOAT16');

const WIDTHS: ReadonlyMap<number, number> = new Map([
  [FLOAT, 4],
  [FLOAT16, 2],
  [BFLOAT16, 2],
  [DOUBLE, 8],
]);

interface Found {
  name: string;
  dataType: number;
  readonly shape: number[];
  data: { source: ByteSource; start: number; end: number } | undefined;
  /** Whether numbers are spread over several fields. */
  scattered: boolean;
  external: Map<string, string>;
}

/**
 * Of the message `TensorProto` from `start` to `end`; undefined where it is of another type, or the data is not there or
 * written number by number. Throws WireError where the bytes are no message.
 */
export function floatData(
  source: ByteSource,
  start: number,
  end: number,
  beside: OpenBeside | undefined,
): FloatData | undefined {
  const found = readTensor(source, start, end);
  const width = WIDTHS.get(found.dataType);
  if (width === undefined || found.scattered) return undefined;
  const count = found.shape.reduce((product, size) => product * size, 1);
  const place = found.data ?? externalPlace(found, beside);
  if (place === undefined || count < 1 || place.end - place.start !== count * width) return undefined;
  const bytes = (from: number, to: number): Uint8Array =>
    place.source.read(place.start + from * width, place.start + to * width);
  const read = READERS.get(found.dataType) as Reader;
  const numbers = (from: number, to: number): Float64Array => {
    const part = bytes(from, to);
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    const values = new Float64Array(to - from);
    for (let index = 0; index < values.length; index++) values[index] = read(view, index * width);
    return values;
  };
  return { name: found.name, shape: found.shape, count, width, bytes, numbers };
}

function readTensor(source: ByteSource, start: number, end: number): Found {
  const found: Found = {
    ...{ name: '', dataType: 0, shape: [], data: undefined, scattered: false },
    external: new Map(),
  };
  for (const field of wireFields(source, start, end)) {
    const { number, wireType, content } = field;
    if (number === TENSOR.name) found.name = textOf(source, content, field.end);
    else if (number === TENSOR.dataType) found.dataType = varint(source, content, field.end).value;
    else if (number === TENSOR.dims) {
      for (let at = content; at < field.end;) {
        const { value, end: next } = signedVarint(source, at, field.end);
        found.shape.push(value);
        at = next;
      }
    } else if (number === TENSOR.externalData && wireType === LENGTH_DELIMITED) {
      found.external.set(...entryOf(source, content, field.end));
    } else if (number === TENSOR.rawData || number === TENSOR.floatData || number === TENSOR.doubleData) {
      if (wireType === FIXED32 || wireType === FIXED64 || found.data !== undefined) found.scattered = true;
      found.data = { source, start: content, end: field.end };
    } else if (number === TENSOR.int32Data) {
      found.scattered = true;
    }
  }
  return found;
}

function externalPlace(
  { external }: Found,
  beside: OpenBeside | undefined,
): { source: ByteSource; start: number; end: number } | undefined {
  const location = external.get('location');
  const source = location === undefined ? undefined : beside?.(location);
  if (source === undefined) return undefined;
  const start = Number(external.get('offset') ?? 0);
  const length = Number(external.get('length') ?? source.size - start);
  const isThere = Number.isSafeInteger(start) && start >= 0 && length >= 0 && start + length <= source.size;
  return isThere ? { source, start, end: start + length } : undefined;
}

function entryOf(source: ByteSource, start: number, end: number): [string, string] {
  let [key, value] = ['', ''];
  for (const field of wireFields(source, start, end)) {
    if (field.number === ENTRY.key) key = textOf(source, field.content, field.end);
    if (field.number === ENTRY.value) value = textOf(source, field.content, field.end);
  }
  return [key, value];
}

/** Of a field that is read as UTF-8, whatever it is. */
export function textOf(source: ByteSource, start: number, end: number): string {
  return utf8(source.read(start, end));
}

type Reader = (view: DataView, at: number) => number;

const WORD = new DataView(new ArrayBuffer(4));

const READERS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [FLOAT, (view, at) => view.getFloat32(at, true)],
  [DOUBLE, (view, at) => view.getFloat64(at, true)],
  [
    BFLOAT16,
    (view, at) => {
      WORD.setUint32(0, view.getUint16(at, true) * 65536);
      return WORD.getFloat32(0);
    },
  ],
  [FLOAT16, (view, at) => half(view.getUint16(at, true))],
]);

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
