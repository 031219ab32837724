/** Digests of every tensor's bytes as they pass. */

import { createHash, type Hash } from 'node:crypto';
import { joinCrc32 } from '../checksum/join-crc32';
import type { DecodedTile } from './tile-stream';

/** The digests of one tensor. */
export interface TensorDigest {
  readonly name: string;
  /** CRC-32 as in zlib. */
  readonly crc32: number;
  /** 32 bytes, or empty where it was not asked for. */
  readonly sha256: Uint8Array;
}

interface OpenDigest {
  /** Bytes of the tensor that have not passed yet. */
  missing: number;
  crc32: number;
  readonly sha256: Hash | undefined;
}

/** Passes tiles on and digests them by tensor. */
export class TensorDigests {
  readonly #withSha256: boolean;
  readonly #open = new Map<string, OpenDigest>();

  constructor(withSha256: boolean) {
    this.#withSha256 = withSha256;
  }

  /** The same tiles, digested. */
  async *through(tiles: AsyncIterable<DecodedTile>): AsyncGenerator<DecodedTile, void, undefined> {
    for await (const tile of tiles) {
      const { name, bytes } = tile.tensor;
      const digest = this.#open.get(name) ?? {
        missing: bytes,
        crc32: 0,
        sha256: this.#withSha256 ? createHash('sha256') : undefined,
      };
      digest.missing -= tile.bytes.length;
      digest.crc32 = joinCrc32(digest.crc32, tile.crc32, tile.bytes.length);
      digest.sha256?.update(tile.bytes);
      this.#open.set(name, digest);
      yield tile;
    }
  }

  /** The digests of the tensors of which every tile has passed, in their order. */
  finish(): TensorDigest[] {
    const whole = [...this.#open].filter(([, { missing }]) => missing === 0);
    return whole.map(([name, digest]) => ({
      name,
      crc32: digest.crc32,
      sha256: digest.sha256?.digest() ?? new Uint8Array(0),
    }));
  }
}
