/** Backpressure: the one function that waits until a stream can take more. */

import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { LogahError } from '../errors';

/**
 * Writes a message and waits while the stream is full. `onWritten` is called when the message has left. Throws
 * LogahError (cancelled) when the signal aborts first.
 */
export async function writeMessage<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  message: Response,
  signal: AbortSignal,
  onWritten: () => void = () => undefined,
): Promise<void> {
  if (signal.aborted) throw new LogahError('cancelled', 'the call was cancelled');
  if (call.write(message, onWritten)) return;
  try {
    await once(call, 'drain', { signal });
  } catch (cause) {
    throw new LogahError('cancelled', 'the call was cancelled', { cause });
  }
}
