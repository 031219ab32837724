/**
 * A TCP proxy that holds every byte back for half a round trip in each direction: a long line without loss, in user space. It
 * buffers without bound, so TCP's own windows never fill; HTTP/2's do, since their updates are late by a round trip.
 */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What has arrived at the near end of all connections: the answers. */
export interface Arrived {
  readonly bytes: number;
  /** From the first large piece to the last. */
  readonly seconds: number;
}

export interface DelayingProxy {
  readonly port: number;
  /** What arrived since this was called last. */
  arrived(): Arrived;
  stop(): void;
}

/** Smaller pieces are no data, but what is said at the beginning and the end. */
const LARGE_PIECE = 4096;

/** Passes on to a port of this machine. */
export async function startDelayingProxy(target: number, roundTripMs: number): Promise<DelayingProxy> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  let [first, last] = [0, 0];
  const count = ({ length }: Buffer): void => {
    bytes += length;
    if (length < LARGE_PIECE) return;
    last = performance.now();
    if (first === 0) first = last;
  };
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
    }
    passOn(near, far, roundTripMs / 2);
    passOn(far, near, roundTripMs / 2, count);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrived: () => {
      const result = { bytes, seconds: (last - first) / 1000 };
      [bytes, first, last] = [0, 0, 0];
      return result;
    },
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One timer for all that is under way: what came first is due first. */
function passOn(from: Socket, to: Socket, delayMs: number, onPassed?: (data: Buffer) => void): void {
  const underWay: { readonly due: number; readonly data: Buffer | undefined }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    while (underWay[0] !== undefined && underWay[0].due <= now) {
      const { data } = underWay.shift() as { data: Buffer | undefined };
      if (data === undefined) to.end();
      else if (!to.destroyed) {
        to.write(data);
        onPassed?.(data);
      }
    }
    if (underWay[0] !== undefined) timer = setTimeout(deliver, Math.max(0, underWay[0].due - now));
  };
  const send = (data: Buffer | undefined): void => {
    underWay.push({ due: performance.now() + delayMs, data });
    timer ??= setTimeout(deliver, delayMs);
  };
  from.on('data', send).on('end', () => {
    send(undefined);
  });
  to.on('close', () => {
    clearTimeout(timer);
    from.destroy();
  });
}
