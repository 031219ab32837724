/**
 * Decompresses requests one at a time, and never beyond what a request may be. grpc-js decompresses those of all calls
 * at once, each with its memory.
 */

import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { dropParts } from './received-request';

const PREFIX_BYTES = 5;

/** What grpc-js's own call does with each message; rejects with a status. Not part of its interface. */
interface Decompressor {
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

const DECOMPRESS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

let turn: Promise<unknown> = Promise.resolve();

/** Bounds what a call's messages may decompress to; `onDecompressed` hears how much each came to. */
export function boundDecompression(
  call: object,
  limit: number,
  onDecompressed: (bytes: number) => void,
): void {
  if (!isDecompressor(call)) return;
  const identity = call.decompressMessage.bind(call);
  call.decompressMessage = (message, encoding) => {
    dropParts(call);
    if (encoding !== 'gzip' && encoding !== 'deflate') return identity(message, encoding);
    const mine = turn.then(() => decompress(message.subarray(PREFIX_BYTES), encoding, limit));
    turn = mine.catch(() => undefined);
    return mine.then((bytes) => {
      onDecompressed(bytes.length);
      return bytes;
    });
  };
}

async function decompress(bytes: Buffer, encoding: 'gzip' | 'deflate', limit: number): Promise<Buffer> {
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
