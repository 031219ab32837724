import fc from 'fast-check';
import { packChunks, type DataChunk } from '../../src/stream/chunks';
import { FramePool, HEADROOM } from '../../src/stream/frames';
import { CountedTiles } from '../support/tiles';

const tileSizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 12 });
const chunkSizes = fc.integer({ min: 1, max: 200 });

function tilesOf(sizes: readonly number[]): { tiles: CountedTiles; whole: Uint8Array } {
  let next = 1;
  const parts = sizes.map((size) => Uint8Array.from({ length: size }, () => 1 + (next++ % 255)));
  return { tiles: new CountedTiles(parts.map((bytes) => ['t', bytes])), whole: Buffer.concat(parts) };
}

describe('chunks', () => {
  it('joined together are the tiles joined together, every chunk full but the last', async () => {
    await fc.assert(
      fc.asyncProperty(tileSizes, chunkSizes, fc.boolean(), async (sizes, chunkBytes, late) => {
        const { tiles, whole } = tilesOf(sizes);
        const parts: Buffer[] = [];
        const waiting: (() => void)[] = [];
        let offset = 0;
        for await (const { offset: at, data, release } of packChunks(
          tiles.stream(),
          chunkBytes,
          new FramePool(1 << 16),
        )) {
          expect(at).toBe(offset);
          offset += data.length;
          expect(data.length === chunkBytes || offset === whole.length).toBe(true);
          parts.push(Buffer.from(data));
          // The network takes chunks when it likes, in order.
          if (late) waiting.push(release);
          else release();
        }
        waiting.forEach((release) => {
          release();
        });
        expect(Buffer.concat(parts).equals(whole)).toBe(true);
        expect(tiles.releases).toEqual(sizes.map(() => 1));
      }),
    );
  });

  it('keep their bytes until they are released', async () => {
    await fc.assert(
      fc.asyncProperty(tileSizes, chunkSizes, async (sizes, chunkBytes) => {
        const { tiles, whole } = tilesOf(sizes);
        const chunks: DataChunk[] = [];
        const frames = new FramePool(1 << 16);
        for await (const chunk of packChunks(tiles.stream(), chunkBytes, frames)) chunks.push(chunk);
        expect(Buffer.concat(chunks.map(({ data }) => data)).equals(whole)).toBe(true);
      }),
    );
  });

  it('lie behind room for a frame that is theirs alone', async () => {
    const { tiles, whole } = tilesOf([100, 150, 30]);
    const chunks: DataChunk[] = [];
    for await (const chunk of packChunks(tiles.stream(), 64, new FramePool(1 << 16))) chunks.push(chunk);
    for (const { data } of chunks) Buffer.from(data.buffer, data.byteOffset - HEADROOM, HEADROOM).fill(0xee);
    expect(Buffer.concat(chunks.map(({ data }) => data)).equals(whole)).toBe(true);
  });

  it('use the memory of those before again once it is released, however often they say so', async () => {
    const { tiles } = tilesOf(Array.from({ length: 40 }, () => 64));
    const memory = new Set<ArrayBufferLike>();
    for await (const { data, release } of packChunks(tiles.stream(), 64, new FramePool(1 << 16))) {
      memory.add(data.buffer);
      release();
      release();
    }
    expect(memory.size).toBe(1);
  });

  it('may begin at any position', async () => {
    const { tiles } = tilesOf([10, 10]);
    const offsets: number[] = [];
    for await (const { offset } of packChunks(tiles.stream(), 8, new FramePool(0), 1000))
      offsets.push(offset);
    expect(offsets).toEqual([1000, 1008, 1016]);
  });

  it('are not made of tiles that nobody asks for', async () => {
    const { tiles } = tilesOf([100, 100, 100]);
    for await (const { release } of packChunks(tiles.stream(), 100, new FramePool(0))) {
      release();
      break;
    }
    expect(tiles.releases).toEqual([1, 0, 0]);
  });

  it('give back every tile that was taken, once, wherever their reader leaves', async () => {
    await fc.assert(
      fc.asyncProperty(tileSizes, chunkSizes, fc.nat({ max: 20 }), async (sizes, chunkBytes, count) => {
        const { tiles } = tilesOf(sizes);
        const reader = packChunks(tiles.stream(), chunkBytes, new FramePool(1 << 16));
        for (let index = 0; index < count; index++) (await reader.next()).value?.release();
        await reader.return();
        const taken = tiles.releases.lastIndexOf(1) + 1;
        expect(tiles.releases).toEqual(sizes.map((_, index) => (index < taken ? 1 : 0)));
        expect(tiles.taken).toBe(taken);
      }),
    );
  });
});
