/** Bytes where there is no Buffer: browsers read ONNX files, too. */

/** Whether both are the same bytes. */
export function isSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** All parts, one behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes read as UTF-8, whatever they are. */
export function utf8(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

/** A number that differs wherever bytes differ, but for rare accidents (Fowler, Noll and Vo, 32 bits). */
export function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
