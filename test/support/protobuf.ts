/** Protobuf by hand, for messages that no serializer would write. */

/** A field of length-delimited bytes. */
export function delimited(number: number, ...contents: Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { length: bytes }) => sum + bytes, 0);
  return Buffer.concat([varint(number * 8 + 2), varint(length), ...contents]);
}

/** A field of a small number. */
export function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The same bytes again and again. */
export function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}

/** Protobuf's wire form of text. */
export function text(field: number, value: string): Buffer {
  return delimited(field, Buffer.from(value));
}
