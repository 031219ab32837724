import { FactorStore } from '../../src/decode/factor-store';

function storeOf() {
  const store = new FactorStore();
  const filled: string[] = [];
  const get = (key: string, aLength = 4, bLength = 2) =>
    store.get(key, aLength, bLength, ({ a, b }) => {
      filled.push(key);
      a.fill(filled.length);
      b.fill(-filled.length);
      return Promise.resolve();
    });
  return { store, filled, get };
}

describe('the factor store', () => {
  it('fills factors once, and gives the lengths asked for', async () => {
    const { filled, get } = storeOf();
    await get('x');
    expect(await get('x')).toEqual({ a: Float32Array.of(1, 1, 1, 1), b: Float32Array.of(-1, -1) });
    expect(filled).toEqual(['x']);
  });

  it('keeps what it returned valid until three other keys were asked for', async () => {
    const { get } = storeOf();
    const { a } = await get('x');
    for (const key of ['p', 'q', 'r']) await get(key);
    expect([...a]).toEqual([1, 1, 1, 1]);
    await get('s');
    expect([...a]).toEqual([5, 5, 5, 5]);
  });

  it('drops what was used least recently', async () => {
    const { filled, get } = storeOf();
    for (const key of ['a', 'b', 'c', 'd', 'a', 'e', 'a', 'b']) await get(key);
    expect(filled).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
  });

  it('uses the memory of larger factors again for smaller ones', async () => {
    const { get } = storeOf();
    const large = await get('large', 100, 100);
    for (const key of ['b', 'c', 'd']) await get(key);
    const small = await get('small', 3, 1);
    expect(small.a.buffer).toBe(large.a.buffer);
    expect([small.a.length, small.b.length]).toEqual([3, 1]);
  });

  it('forgets factors that could not be filled, and those that they took the place of', async () => {
    const { store, filled, get } = storeOf();
    for (const key of ['a', 'b', 'c', 'd']) await get(key);
    const failure = store.get('broken', 4, 2, ({ a }) => {
      a.fill(NaN);
      return Promise.reject(new Error('no'));
    });
    await expect(failure).rejects.toThrow('no');
    expect([...(await get('broken')).a]).toEqual([5, 5, 5, 5]);
    expect([...(await get('a')).a]).toEqual([6, 6, 6, 6]);
    expect(filled).toEqual(['a', 'b', 'c', 'd', 'broken', 'a']);
  });
});
