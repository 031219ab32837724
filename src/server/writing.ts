/** Backpressure: the one place that waits until a stream can take more. */

import type { ServerWritableStream } from '@grpc/grpc-js';
import { abortError } from '../errors';

/** Bytes handed to a stream and not yet to the network; grpc-js itself counts messages, not bytes. */
const MAX_BYTES_IN_FLIGHT = 2 * 2 ** 20;

/** Writes the messages of one stream, a little ahead of the network. */
export class StreamWriter<Request, Response> {
  readonly #call: ServerWritableStream<Request, Response>;
  readonly #signal: AbortSignal;
  readonly #unwritten = new Set<() => void>();
  #bytesInFlight = 0;
  #wake: () => void = () => undefined;

  constructor(call: ServerWritableStream<Request, Response>, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      this.#wake();
    });
    // From then on nothing reads what was waiting to be written.
    call.once('close', () => {
      for (const settle of this.#unwritten) settle();
    });
  }

  /**
   * Writes a message of about `bytes` once there is room. `onSettled` is called once, when the message has left or
   * never will. Throws the signal's reason, a LogahError, when it aborts.
   */
  async write(message: Response, bytes: number, onSettled: () => void = () => undefined): Promise<void> {
    while (this.#bytesInFlight >= MAX_BYTES_IN_FLIGHT && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#signal.aborted || this.#call.destroyed) {
      onSettled();
      throw abortError(this.#signal);
    }
    this.#bytesInFlight += bytes;
    const settle = (): void => {
      if (!this.#unwritten.delete(settle)) return;
      this.#bytesInFlight -= bytes;
      onSettled();
      this.#wake();
    };
    this.#unwritten.add(settle);
    this.#call.write(message, settle);
  }
}
