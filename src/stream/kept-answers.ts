/**
 * Small answers that several callers want: the cores of one network, which every rank of a job asks for. The first caller
 * has them decoded, those who come meanwhile follow, and those who come later read what is kept.
 */

import { abortError } from '../errors';
import type { DataRange } from '../plan/data-range';
import type { DecodedTile } from './tile-stream';

/** Decodes an answer whole, until the signal aborts. */
export type DecodeAnswer = (signal: AbortSignal) => AsyncIterable<DecodedTile>;

type KeptTile = Omit<DecodedTile, 'release'>;

/** An answer that is being decoded, or has been. */
class Answer {
  readonly bytes: number;
  readonly #tiles: KeptTile[] = [];
  readonly #decoding = new AbortController();
  readonly #onLost: () => void;
  #state: 'growing' | 'whole' | 'failed' = 'growing';
  #error: unknown;
  #readers = 0;
  #waiting: (() => void)[] = [];

  /** `bytes`: of all tiles together; `onLost` is called when the answer fails or all readers have left it unfinished. */
  constructor(bytes: number, onLost: () => void) {
    this.bytes = bytes;
    this.#onLost = onLost;
  }

  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Decodes to the end. */
  async grow(decode: DecodeAnswer): Promise<void> {
    try {
      for await (const { tensor, bytes, crc32, release } of decode(this.#decoding.signal)) {
        this.#tiles.push({ tensor, bytes: bytes.slice(), crc32 });
        release();
        this.#wake();
      }
      this.#state = 'whole';
    } catch (error) {
      this.#state = 'failed';
      this.#error = error;
      this.#onLost();
    }
    this.#wake();
  }

  /** The tiles of the tensors within the range. */
  read(range: DataRange, signal: AbortSignal): AsyncGenerator<DecodedTile, void, undefined> {
    this.#readers++;
    return this.#read(range, signal);
  }

  async *#read({ start, end }: DataRange, signal: AbortSignal): AsyncGenerator<DecodedTile, void, undefined> {
    const wake = (): void => {
      this.#wake();
    };
    signal.addEventListener('abort', wake);
    try {
      for (let next = 0; ;) {
        if (signal.aborted) throw abortError(signal);
        const tile = this.#tiles[next];
        if (tile !== undefined) {
          next++;
          const { offset, bytes } = tile.tensor;
          if (offset + bytes > start && offset < end) yield { ...tile, release: () => undefined };
        } else if (this.#state === 'whole') {
          return;
        } else if (this.#state === 'failed') {
          throw this.#error;
        } else {
          await new Promise<void>((resolve) => this.#waiting.push(resolve));
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      if (--this.#readers === 0 && this.#state === 'growing') {
        // Before it fails of that: who asks now starts anew.
        this.#onLost();
        this.#decoding.abort(signal.reason);
      }
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Keeps whole answers up to a number of bytes; the least recently read go first. */
export class KeptAnswers {
  readonly #limit: number;
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** `limit`: bytes of all answers together, those that are being decoded included. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How often an answer was kept, or in the making, and how often it had to be made. */
  get requests(): { readonly hit: number; readonly miss: number } {
    return { hit: this.#hits, miss: this.#misses };
  }

  /**
   * The tiles of the answer under `key`, which takes `bytes` in all to keep, of the tensors within the range; undefined where there is no
   * room to keep it. Iterating throws what decoding throws, or the signal's reason.
   */
  tiles(
    key: string,
    bytes: number,
    range: DataRange,
    signal: AbortSignal,
    decode: DecodeAnswer,
  ): AsyncGenerator<DecodedTile, void, undefined> | undefined {
    const kept = this.#answers.get(key);
    if (kept !== undefined) {
      this.#answers.delete(key);
      this.#answers.set(key, kept);
      this.#hits++;
      return kept.read(range, signal);
    }
    this.#misses++;
    if (!this.#makeRoom(bytes)) return undefined;
    const answer: Answer = new Answer(bytes, () => {
      this.#forget(key, answer);
    });
    this.#answers.set(key, answer);
    this.#bytes += bytes;
    const tiles = answer.read(range, signal);
    void answer.grow(decode);
    return tiles;
  }

  /** Forgets whole answers, the least recently read first, until `bytes` fit; false where they do not. */
  #makeRoom(bytes: number): boolean {
    if (bytes > this.#limit) return false;
    for (const [key, answer] of this.#answers) {
      if (this.#bytes + bytes <= this.#limit) break;
      if (answer.isWhole) this.#forget(key, answer);
    }
    return this.#bytes + bytes <= this.#limit;
  }

  #forget(key: string, answer: Answer): void {
    if (this.#answers.get(key) !== answer) return;
    this.#answers.delete(key);
    this.#bytes -= answer.bytes;
  }
}
