import { crc32 } from 'node:zlib';
import type { PlannedTensor } from '../../src/plan/planned-tensor';
import type { DecodedTile } from '../../src/stream/tile-stream';

/** A tensor of which only the name and the number of bytes count. */
export function namedTensor(name: string, bytes = 0): PlannedTensor {
  return {
    name,
    shape: [1],
    source: 'predicted',
    rank: 0,
    sent: true,
    box: undefined,
    runs: { start: 0, length: 1, count: 1, stride: 1 },
    bytes,
    offset: 0,
    tiedTo: undefined,
    predictedElements: 0,
    tiledElements: 0,
    initializedElements: 0,
    startedElements: 0,
    view: { rows: 1, columns: 1 },
    pieces: [],
    factors: undefined,
    core: undefined,
  };
}

/** Tiles of the given bytes that count their releases. */
export class CountedTiles {
  /** By tile: how often it was released. */
  readonly releases: number[];
  /** Tiles that were read. */
  taken = 0;
  readonly #tiles: readonly (readonly [tensor: string, bytes: Uint8Array])[];

  constructor(tiles: readonly (readonly [tensor: string, bytes: Uint8Array])[]) {
    this.#tiles = tiles;
    this.releases = tiles.map(() => 0);
  }

  /** Wipes a tile when it is released: whoever still reads it then reads zeros. */
  async *stream(): AsyncGenerator<DecodedTile, void, undefined> {
    for (const [index, [tensor, bytes]] of this.#tiles.entries()) {
      const copy = Uint8Array.from(bytes);
      const release = (): void => {
        this.releases[index] = (this.releases[index] ?? 0) + 1;
        copy.fill(0);
      };
      this.taken += 1;
      yield await Promise.resolve({
        tensor: namedTensor(tensor, this.#bytesOf(tensor)),
        bytes: copy,
        crc32: crc32(copy),
        release,
      });
    }
  }

  #bytesOf(name: string): number {
    return this.#tiles.reduce((sum, [tensor, bytes]) => sum + (tensor === name ? bytes.length : 0), 0);
  }
}
