/**
 * Decompresses requests one at a time, callers in turn, and never beyond what a request may be. grpc-js decompresses those
 * of all calls at once, each with its memory. A thousandth of the bytes keeps a processor as busy as a whole request does:
 * what nobody waits for any more leaves the line, since its bytes are not counted from then on.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { TurnQueue } from '../../turn-queue';
import { PREFIX_BYTES } from './message-count';
import { dropParts } from './received-request';

/** What grpc-js's own call does with each message; rejects with a status. Not part of its interface. */
interface Decompressor {
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

const DECOMPRESS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

type Encoding = keyof typeof DECOMPRESS;

/** Decompresses the next message of a call. */
type Turn = () => Promise<void>;

/** The calls whose messages wait, one message of each. */
const waiting = new TurnQueue<Turn>();
let isBusy = false;

/** How the messages of a call are decompressed. */
export interface DecompressionRules {
  /** What a message may come to. */
  readonly limit: number;
  /** Who shares a turn. */
  readonly caller: () => string;
  /** Hears how much each message came to. */
  readonly onDecompressed: (bytes: number) => void;
}

/** Bounds what a call's messages may decompress to, and drops those that wait when its stream closes. */
export function boundDecompression(
  call: object,
  stream: ServerHttp2Stream,
  { limit, caller, onDecompressed }: DecompressionRules,
): void {
  if (!isDecompressor(call)) return;
  const identity = call.decompressMessage.bind(call);
  const own = new Set<Turn>();
  let leave = (): void => undefined;
  const enter = (): void => {
    const [turn] = own;
    if (turn === undefined) return;
    const whose = { caller: caller(), stream };
    leave = () => {
      waiting.delete(turn, whose);
    };
    waiting.push(turn, whose);
    void takeTurns();
  };
  stream.once('close', () => {
    own.clear();
    leave();
  });
  call.decompressMessage = (message, encoding) => {
    dropParts(call);
    if (encoding !== 'gzip' && encoding !== 'deflate') return identity(message, encoding);
    // For a stream that has closed it never resolves: nothing is to be done for it, not even to fail.
    return new Promise((resolve) => {
      if (stream.closed) return;
      const turn = async (): Promise<void> => {
        const decompressed = decompress(message.subarray(PREFIX_BYTES), encoding, limit).then((bytes) => {
          onDecompressed(bytes.length);
          return bytes;
        });
        resolve(decompressed);
        await decompressed.catch(() => undefined);
        own.delete(turn);
        enter();
      };
      own.add(turn);
      if (own.size === 1) enter();
    });
  };
}

async function takeTurns(): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) await turn();
  isBusy = false;
}

async function decompress(bytes: Buffer, encoding: Encoding, limit: number): Promise<Buffer> {
  try {
    return await DECOMPRESS[encoding](bytes, { maxOutputLength: limit });
  } catch (error) {
    // What grpc-js reads of what is thrown here are the fields of a status.
    throw error instanceof RangeError
      ? statusError(
          status.RESOURCE_EXHAUSTED,
          `Received message that decompresses to a size larger than ${limit}`,
        )
      : statusError(status.INTERNAL, 'Failed to decompress message');
  }
}

function statusError(code: status, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

function isDecompressor(call: object): call is Decompressor {
  return 'decompressMessage' in call && typeof call.decompressMessage === 'function';
}
