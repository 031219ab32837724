import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExpansionCache } from '../../../src/client/expansion/expansion';

const CONTENT = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9).buffer);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const EXPANSION = { sha256: SHA256, rows: 3, rank: 2 };

let directory: string;
let fetches: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-expansion-'));
  fetches = 0;
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Brings `content` in two parts. */
const bringing = (content: Buffer) =>
  async function* fetch(): AsyncGenerator<Uint8Array> {
    fetches += 1;
    yield await Promise.resolve(content.subarray(0, 7));
    yield content.subarray(7);
  };

describe('an expansion', () => {
  it('is a weight and a bias, and is fetched once however often it is asked for', async () => {
    const cache = new ExpansionCache(undefined);
    const [layer, other] = await Promise.all([
      cache.get(EXPANSION, bringing(CONTENT)),
      cache.get(EXPANSION, bringing(CONTENT)),
    ]);
    expect([...layer.weight]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...layer.bias]).toEqual([7, 8, 9]);
    expect(other).toBe(layer);
    expect(fetches).toBe(1);
  });

  it('is kept on disk under its digest, whole or not at all', async () => {
    const cache = join(directory, 'made', 'at need');
    await new ExpansionCache(cache).get(EXPANSION, bringing(CONTENT));
    expect(await readdir(cache)).toEqual([SHA256]);
    expect(await readFile(join(cache, SHA256))).toEqual(CONTENT);
    const layer = await new ExpansionCache(cache).get(EXPANSION, bringing(CONTENT));
    expect([...layer.bias]).toEqual([7, 8, 9]);
    expect(fetches).toBe(1);
  });

  it.each([
    ['cut short', CONTENT.subarray(0, 20)],
    ['empty', Buffer.alloc(0)],
    ['changed', Buffer.from(CONTENT.map((byte, index) => (index === 5 ? byte ^ 1 : byte)))],
  ])('whose file is %s is fetched anew, and the file mended', async (_, damaged) => {
    await writeFile(join(directory, SHA256), damaged);
    const layer = await new ExpansionCache(directory).get(EXPANSION, bringing(CONTENT));
    expect([...layer.bias]).toEqual([7, 8, 9]);
    expect(fetches).toBe(1);
    expect(await readFile(join(directory, SHA256))).toEqual(CONTENT);
  });

  it.each([
    ['of another digest', Buffer.alloc(36), /SHA-256 of the expansion is .*, expected /],
    ['too long', Buffer.concat([CONTENT, CONTENT]), /bytes of the expansion is 72, expected 36/],
    ['too short', CONTENT.subarray(0, 35), /bytes of the expansion is 35, expected 36/],
  ])('that comes %s is refused, not kept, and asked for again', async (_, content, message) => {
    const cache = new ExpansionCache(directory);
    await expect(cache.get(EXPANSION, bringing(content))).rejects.toThrow(message);
    expect(await readdir(directory)).toEqual([]);
    await cache.get(EXPANSION, bringing(CONTENT));
    expect(fetches).toBe(2);
  });

  it('of other sizes than the plan says is refused', async () => {
    await writeFile(join(directory, SHA256), CONTENT);
    const cache = new ExpansionCache(directory);
    await expect(cache.get({ ...EXPANSION, rows: 4 }, bringing(CONTENT))).rejects.toThrow(
      /bytes of the expansion/,
    );
  });

  it('is used although it cannot be kept', async () => {
    await mkdir(join(directory, SHA256));
    const layer = await new ExpansionCache(directory).get(EXPANSION, bringing(CONTENT));
    expect([...layer.bias]).toEqual([7, 8, 9]);
  });
});
