import { readSync } from 'node:fs';
import { WireError, type ByteSource } from './wire';

/** Larger than the fields between two weights. */
const WINDOW_BYTES = 64 * 1024;

/**
 * The bytes of an open file, through a window: what is skipped is never read. Synchronous, since a walk over a model
 * without its weights reads little. Throws the system's errors, and WireError where the file has become shorter.
 */
export function fileSource(descriptor: number, size: number): ByteSource {
  let window: Uint8Array = new Uint8Array(0);
  let from = 0;
  return {
    size,
    read(start, end) {
      if (start < from || end > from + window.length) {
        window = readBytes(descriptor, start, Math.min(size, Math.max(end, start + WINDOW_BYTES)));
        from = start;
        if (end - from > window.length) throw new WireError(`the file ends at byte ${from + window.length}`);
      }
      return window.subarray(start - from, end - from);
    },
  };
}

function readBytes(descriptor: number, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
    if (count === 0) return bytes.subarray(0, filled);
    filled += count;
  }
  return bytes;
}
