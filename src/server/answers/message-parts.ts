/** Messages that are serialised in parts: protobuf's fields may be put one behind the other. */

import { PREFIX_BYTES } from './framing';

/** The content of a serialised message that holds nothing but one field of another message. */
export function contentOf(outer: Uint8Array): Uint8Array {
  if (outer.length === 0) return outer;
  // The tag of a field below 16 is one byte, and the length's last byte is its first below 128.
  let start = 1;
  while ((outer[start] ?? 0) >= 128) start++;
  return outer.subarray(start + 1);
}

/** A message that holds `parts` as its field `number`, below 16, with gRPC's prefix. */
export function framedField(number: number, parts: readonly Uint8Array[]): Buffer {
  return framedFields([{ number, parts }]);
}

/** A field that holds a message, in parts. */
export interface FieldParts {
  /** Below 16. */
  readonly number: number;
  readonly parts: readonly Uint8Array[];
}

/** A message that holds messages as its fields, with gRPC's prefix. */
export function framedFields(fields: readonly FieldParts[]): Buffer {
  const pieces = fields.flatMap(({ number, parts }) => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return [Buffer.from([number * 8 + 2, ...varint(length)]), ...parts];
  });
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const wire = Buffer.allocUnsafeSlow(PREFIX_BYTES + length);
  wire[0] = 0;
  let at = wire.writeUInt32BE(length, 1);
  for (const piece of pieces) {
    wire.set(piece, at);
    at += piece.length;
  }
  return wire;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
