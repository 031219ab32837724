import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { WireError, type ByteSource } from './wire';

/** Larger than the fields between two weights. */
const WINDOW_BYTES = 64 * 1024;

/**
 * The bytes of an open file, through a window: what is skipped is never read. Synchronous, since a walk over a model
 * without its weights reads little. Throws the system's errors, and WireError where the file has become shorter.
 */
export function fileSource(descriptor: number, size: number): ByteSource {
  let memory = new Uint8Array(WINDOW_BYTES);
  let window = memory.subarray(0, 0);
  let from = 0;
  const show = (start: number, end: number): void => {
    if (start >= from && end <= from + window.length) return;
    const wanted = Math.min(size, Math.max(end, start + WINDOW_BYTES)) - start;
    if (memory.length < wanted) memory = new Uint8Array(wanted);
    window = memory.subarray(0, readBytes(descriptor, start, memory.subarray(0, wanted)));
    from = start;
    if (end - from > window.length) throw new WireError(`the file ends at byte ${from + window.length}`);
  };
  return {
    size,
    read(start, end) {
      show(start, end);
      return window.subarray(start - from, end - from);
    },
    byteAt(position) {
      show(position, position + 1);
      return window[position - from] ?? 0;
    },
  };
}

/** Returns how many there were. */
function readBytes(descriptor: number, start: number, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Files with the data of weights in a model's directory, each opened once. */
export class FilesBeside {
  readonly #directory: string;
  readonly #sources = new Map<string, ByteSource | undefined>();
  readonly #descriptors: number[] = [];

  constructor(modelPath: string) {
    this.#directory = dirname(resolve(modelPath));
  }

  /** Undefined where there is none, or the location leads out of the directory. */
  open(location: string): ByteSource | undefined {
    if (!this.#sources.has(location)) this.#sources.set(location, this.#open(location));
    return this.#sources.get(location);
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
    this.#descriptors.length = 0;
  }

  #open(location: string): ByteSource | undefined {
    const path = resolve(this.#directory, location);
    if (!path.startsWith(`${this.#directory}${sep}`)) return undefined;
    try {
      const descriptor = openSync(path, 'r');
      this.#descriptors.push(descriptor);
      return fileSource(descriptor, fstatSync(descriptor).size);
    } catch {
      // The model can be read without; what its weights show is then not known.
      return undefined;
    }
  }
}
