import { FactorStore, type FactorNeed } from '../../src/decode/factor-store';

function storeOf() {
  const store = new FactorStore();
  const made: string[][] = [];
  const load = (...keys: string[]) =>
    store.load(keys.map(needOf), (missing) => {
      made.push(missing.map(({ key }) => key));
      return Promise.resolve(
        missing.map(() => ({ a: Float32Array.of(made.length), b: Float32Array.of(-made.length) })),
      );
    });
  return { store, made, load };
}

function needOf(key: string): FactorNeed {
  return {
    key,
    embedding: new Float32Array(4),
    slot: 0,
    a: { first: 0, count: 2 },
    b: { first: 0, count: 3 },
  };
}

describe('the factor store', () => {
  it('makes what is needed once, and all that is missing at a time', async () => {
    const { store, made, load } = storeOf();
    await load('x', 'y', 'x');
    await load('y', 'z');
    expect(made).toEqual([['x', 'y'], ['z']]);
    expect(store.get('x')).toEqual({ a: Float32Array.of(1), b: Float32Array.of(-1) });
  });

  it('holds everything that a job needs, however much it is', async () => {
    const { store, load } = storeOf();
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    await load(...keys);
    expect(keys.filter((key) => store.get(key) === undefined)).toEqual([]);
  });

  it('drops what was needed least recently', async () => {
    const { made, load } = storeOf();
    for (const key of ['a', 'b', 'c', 'd', 'a', 'e', 'a', 'b']) await load(key);
    expect(made.flat()).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
  });

  it('drops nothing of what the same job needs', async () => {
    const { store, made, load } = storeOf();
    await load('a', 'b', 'c', 'd');
    await load('a', 'e', 'f', 'g', 'h');
    expect(made.flat()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(['a', 'e', 'f', 'g', 'h'].filter((key) => store.get(key) === undefined)).toEqual([]);
  });

  it('keeps nothing under a key that could not be made', async () => {
    const { store, made, load } = storeOf();
    const failure = store.load([needOf('broken')], () => Promise.reject(new Error('no')));
    await expect(failure).rejects.toThrow('no');
    expect(store.get('broken')).toBeUndefined();
    await load('broken');
    expect(made).toEqual([['broken']]);
  });
});
