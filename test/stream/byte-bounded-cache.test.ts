import fc from 'fast-check';
import { ByteBoundedCache } from '../../src/stream/byte-bounded-cache';

interface Value {
  readonly bytes: number;
}

function cacheOf(limit: number) {
  const made: string[] = [];
  const cache = new ByteBoundedCache<Value>(limit, ({ bytes }) => bytes);
  const get = (key: string, bytes = 1): Promise<Value> =>
    cache.get(key, () => {
      made.push(key);
      return Promise.resolve({ bytes });
    });
  return { made, cache, get };
}

describe('the cache', () => {
  it('makes a value once', async () => {
    const { made, get } = cacheOf(10);
    expect(await get('a')).toBe(await get('a'));
    expect(made).toEqual(['a']);
  });

  it('drops what was used least recently', async () => {
    const { made, get } = cacheOf(2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
  });

  it('keeps the newest value even where it is larger than the limit, and nothing else then', async () => {
    const { made, get } = cacheOf(5);
    for (const [key, bytes] of [
      ['a', 1],
      ['big', 100],
      ['big', 100],
      ['a', 1],
      ['a', 1],
      ['big', 100],
    ] as const) {
      await get(key, bytes);
    }
    expect(made).toEqual(['a', 'big', 'a', 'big']);
  });

  it('keeps nothing of what could not be made', async () => {
    const { made, cache, get } = cacheOf(5);
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await get('a');
    expect(made).toEqual(['a']);
  });

  it('counts a value once that two calls make at a time', async () => {
    const { made, get } = cacheOf(2);
    await Promise.all([get('a'), get('a')]);
    await get('b');
    await get('a');
    await get('b');
    expect(made).toEqual(['a', 'a', 'b']);
  });

  it('keeps exactly the most recently used values that fit', async () => {
    const uses = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 6 })));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 12 }), uses, async (limit, calls) => {
        const { made, get } = cacheOf(limit);
        let kept: { key: string; bytes: number }[] = [];
        let count = 0;
        for (const [key, bytes] of calls) {
          const found = kept.find((entry) => entry.key === key);
          kept = [...kept.filter((entry) => entry !== found), found ?? { key, bytes }];
          if (found === undefined) {
            count += 1;
            const sum = (): number => kept.reduce((total, entry) => total + entry.bytes, 0);
            while (kept.length > 1 && sum() > limit) kept.shift();
          }
          await get(key, bytes);
          expect(made).toHaveLength(count);
        }
      }),
    );
  });
});
