/** The wire format of protobuf, walked field by field without making objects of what is not wanted. */

/** Bytes in memory or in a file. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from `start` to `end`, valid until the next call. */
  read(start: number, end: number): Uint8Array;
  /** One byte, within `size`: what a walk reads most of, without a view of memory for each. */
  byteAt(position: number): number;
}

/** What is wrong with the bytes, and where. */
export class WireError extends Error {}

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** One field of a message; positions are in the source. */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  /** Where its tag begins. */
  readonly start: number;
  /** Where its content begins: behind the tag, and behind the length where there is one. */
  readonly content: number;
  readonly end: number;
}

/** Bytes of the longest varint. */
const MAX_VARINT = 10;

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
    byteAt: (position) => bytes[position] ?? 0,
  };
}

/** The fields of the message from `start` to `end`. Throws WireError where the bytes are no message. */
export function* wireFields(source: ByteSource, start: number, end: number): Generator<WireField> {
  let position = start;
  while (position < end) {
    const field = fieldAt(source, position, end);
    yield field;
    position = field.end;
  }
}

function fieldAt(source: ByteSource, start: number, end: number): WireField {
  const tag = varint(source, start, end);
  const number = Math.floor(tag.value / 8);
  const wireType = tag.value % 8;
  if (number < 1 || number >= 2 ** 29) throw new WireError(`field number ${number} at byte ${start}`);
  let content = tag.end;
  let next: number;
  switch (wireType) {
    case VARINT:
      next = varint(source, content, end).end;
      break;
    case FIXED64:
      next = content + 8;
      break;
    case FIXED32:
      next = content + 4;
      break;
    case LENGTH_DELIMITED: {
      const length = varint(source, content, end);
      content = length.end;
      next = content + length.value;
      break;
    }
    default:
      throw new WireError(`wire type ${wireType} at byte ${start}`);
  }
  if (next > end) {
    throw new WireError(
      `field ${number} at byte ${start} has ${next - content} bytes, of which ${end - content} are there`,
    );
  }
  return { number, wireType, start, content, end: next };
}

/** An unsigned number; exact up to 2^53. Throws WireError. */
export function varint(source: ByteSource, start: number, end: number): { value: number; end: number } {
  let value = 0;
  let factor = 1;
  const last = Math.min(end, start + MAX_VARINT, source.size);
  for (let position = start; position < last; position++) {
    const byte = source.byteAt(position);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: position + 1 };
    factor *= 128;
  }
  throw new WireError(`a number at byte ${start} does not end`);
}

/** A number in two's complement of 64 bits, as protobuf writes int64; exact where it is a safe integer. */
export function signedVarint(source: ByteSource, start: number, end: number): { value: number; end: number } {
  const { value, end: next } = varint(source, start, end);
  if (value < 2 ** 63) return { value, end: next };
  // Beyond 2^53 the sum above is not exact, and small negative numbers lie just below 2^64.
  let exact = 0n;
  source.read(start, next).forEach((byte, index) => {
    exact |= BigInt(byte & 0x7f) << BigInt(7 * index);
  });
  return { value: Number(BigInt.asIntN(64, exact)), end: next };
}

/** A tag or a length, as protobuf writes it. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) + 0x80);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...bytes, rest]);
}
