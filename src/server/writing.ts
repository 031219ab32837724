/** Backpressure: the one place that waits until a stream can take more. */

import type { ServerWritableStream } from '@grpc/grpc-js';
import { abortError } from '../errors';

/** Bytes handed to a stream and not yet to the network; grpc-js itself counts messages, not bytes. */
const MAX_BYTES_IN_FLIGHT = 4 * 2 ** 20;

/** Writes the messages of one stream, a few MiB ahead of the network. */
export class StreamWriter<Request, Response> {
  readonly #call: ServerWritableStream<Request, Response>;
  readonly #signal: AbortSignal;
  #bytesInFlight = 0;
  #wake: () => void = () => undefined;

  constructor(call: ServerWritableStream<Request, Response>, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      this.#wake();
    });
  }

  /**
   * Writes a message of about `bytes` once there is room. `onWritten` is called when it has left, and never where the
   * stream breaks first. Throws the signal's reason, a LogahError, when it aborts.
   */
  async write(message: Response, bytes: number, onWritten: () => void = () => undefined): Promise<void> {
    while (this.#bytesInFlight >= MAX_BYTES_IN_FLIGHT && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#signal.aborted) throw abortError(this.#signal);
    this.#bytesInFlight += bytes;
    this.#call.write(message, () => {
      this.#bytesInFlight -= bytes;
      onWritten();
      this.#wake();
    });
  }
}
