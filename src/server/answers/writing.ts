/** Backpressure: the one place that waits until a stream can take more. */

import type { ServerWritableStream } from '@grpc/grpc-js';
import { abortError } from '../../errors';
import type { WriteTurns } from './write-turns';

/** Bytes handed to a stream and not yet to the network, at most; grpc-js itself counts messages, not bytes. */
export const MAX_BYTES_IN_FLIGHT = 2 * 2 ** 20;

/** Whose turns a stream's messages take. */
export interface WriterTurns {
  readonly turns: WriteTurns;
  readonly caller: string;
}

/** Writes the messages of one stream, a little ahead of the network. */
export class StreamWriter<Request, Response> {
  readonly #call: ServerWritableStream<Request, Response>;
  readonly #signal: AbortSignal;
  readonly #turns: WriterTurns;
  readonly #maxBytesInFlight: number;
  readonly #unwritten = new Set<() => void>();
  #bytesInFlight = 0;
  #wake: () => void = () => undefined;

  constructor(
    call: ServerWritableStream<Request, Response>,
    signal: AbortSignal,
    turns: WriterTurns,
    maxBytesInFlight = MAX_BYTES_IN_FLIGHT,
  ) {
    this.#call = call;
    this.#signal = signal;
    this.#turns = turns;
    this.#maxBytesInFlight = maxBytesInFlight;
    signal.addEventListener('abort', () => {
      this.#wake();
    });
    call.once('close', () => {
      for (const forget of this.#unwritten) forget();
    });
  }

  /**
   * Writes a message of about `bytes` once there is room, in turn with other callers. `onLeft` is called once the
   * message has left, or at once where it is not even written; never for a message on its way when the call closes: the
   * connection may still read it, and its memory must not be used again. Throws the signal's reason, a LogahError, when it aborts.
   */
  async write(message: Response, bytes: number, onLeft: () => void = () => undefined): Promise<void> {
    while (this.#bytesInFlight >= this.#maxBytesInFlight && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const { turns, caller } = this.#turns;
    if (bytes > 0 && !this.#signal.aborted) await turns.wait({ caller, stream: this }, bytes);
    if (this.#signal.aborted || this.#call.destroyed) {
      onLeft();
      throw abortError(this.#signal);
    }
    this.#bytesInFlight += bytes;
    const forget = (): void => {
      this.#unwritten.delete(forget);
      this.#bytesInFlight -= bytes;
      this.#wake();
    };
    this.#unwritten.add(forget);
    this.#call.write(message, (error?: Error | null) => {
      if (!this.#unwritten.has(forget)) return;
      forget();
      if (!error) onLeft();
    });
  }
}
