/**
 * Readers that take nothing. What was written for them stays in memory until they do, so one that takes nothing for a
 * set time loses its stream; where others wait for memory, sooner.
 */

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

const SWEEP_MS = 1000;

/** While others wait for memory, a reader need not be waited for longer than this. */
const PRESSED_MS = 10_000;

interface Reader {
  readonly stream: ServerHttp2Stream;
  readonly onStall: (ms: number) => void;
  /** Messages and statuses that have not left. */
  pending: number;
  /** When the reader last took something, or had nothing to take. */
  progress: number;
}

/** The readers of all calls. */
export class Readers {
  readonly #stallMs: number;
  readonly #isPressed: () => boolean;
  readonly #readers = new Set<Reader>();
  readonly #timer: NodeJS.Timeout;

  /** `isPressed` tells whether others wait for memory. */
  constructor(stallMs: number, isPressed: () => boolean) {
    this.#stallMs = stallMs;
    this.#isPressed = isPressed;
    this.#timer = setInterval(
      () => {
        this.#sweep(performance.now());
      },
      Math.min(SWEEP_MS, stallMs / 2),
    );
    this.#timer.unref();
  }

  /** Watches what is written to a call. `onStall` hears for how long its reader took nothing when it loses its stream. */
  watch(
    call: ServerInterceptingCallInterface,
    stream: ServerHttp2Stream,
    onStall: (ms: number) => void,
  ): void {
    const reader: Reader = { stream, onStall, pending: 0, progress: performance.now() };
    const wait = (): void => {
      if (reader.pending++ === 0) reader.progress = performance.now();
    };
    const send = call.sendMessage.bind(call);
    call.sendMessage = (message, callback) => {
      wait();
      send(message, () => {
        reader.pending--;
        reader.progress = performance.now();
        callback();
      });
    };
    const end = call.sendStatus.bind(call);
    call.sendStatus = (status) => {
      wait();
      end(status);
    };
    this.#readers.add(reader);
    stream.once('close', () => this.#readers.delete(reader));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sweep(now: number): void {
    const limit = this.#isPressed() ? Math.min(PRESSED_MS, this.#stallMs) : this.#stallMs;
    for (const { stream, onStall, pending, progress } of this.#readers) {
      const stalled = now - progress;
      if (pending === 0 || stalled < limit) continue;
      onStall(stalled);
      // No status would get past what waits to be taken.
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
  }
}
