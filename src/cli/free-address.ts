import { once } from 'node:events';
import { createServer } from 'node:net';
import { LogahError } from '../errors';
import { isSystemError, systemReason } from '../system-error';

/**
 * Takes an address, "HOST:PORT", and gives it back, so that one that cannot be had is found before models are loaded.
 * Throws LogahError (failed_precondition).
 */
export async function requireFreeAddress(address: string): Promise<void> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  if (port === 0) return;
  const listener = createServer();
  try {
    listener.listen({ host, port, exclusive: true });
    await once(listener, 'listening');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = error.code === 'EADDRINUSE' ? 'another process listens there' : systemReason(error);
    throw new LogahError('failed_precondition', `cannot listen on ${address}: ${reason}`, { cause: error });
  }
  listener.close();
  await once(listener, 'close');
}
