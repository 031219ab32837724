/** The wire format of protobuf, walked field by field without making objects of what is not wanted. */

/** Bytes in memory or in a file. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from `start` to `end`, valid until the next call. */
  read(start: number, end: number): Uint8Array;
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
  return { size: bytes.length, read: (start, end) => bytes.subarray(start, end) };
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
  const field = (content: number, next: number): WireField => {
    if (next > end) {
      throw new WireError(
        `field ${number} at byte ${start} has ${next - content} bytes, of which ${end - content} are there`,
      );
    }
    return { number, wireType, start, content, end: next };
  };
  switch (wireType) {
    case VARINT:
      return field(tag.end, varint(source, tag.end, end).end);
    case FIXED64:
      return field(tag.end, tag.end + 8);
    case FIXED32:
      return field(tag.end, tag.end + 4);
    case LENGTH_DELIMITED: {
      const length = varint(source, tag.end, end);
      return field(length.end, length.end + length.value);
    }
    default:
      throw new WireError(`wire type ${wireType} at byte ${start}`);
  }
}

/** An unsigned number; exact up to 2^53. Throws WireError. */
export function varint(source: ByteSource, start: number, end: number): { value: number; end: number } {
  let value = 0;
  let factor = 1;
  const bytes = source.read(start, Math.min(end, start + MAX_VARINT));
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: start + index + 1 };
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
