import { LogahError } from '../../src/errors';
import { KeptAnswers } from '../../src/stream/kept-answers';
import type { DecodedTile } from '../../src/stream/tile-stream';

const EVERYTHING = { start: 0, end: 6 };

/** Tiles of three tensors of two bytes each, that come one by one when the test lets them. */
class Decoding {
  started = 0;
  released = 0;
  aborted: unknown;
  readonly #steps: (() => void)[] = [];
  readonly #passed: Promise<void>[] = [0, 1, 2].map(
    (index) => new Promise((resolve) => (this.#steps[index] = resolve)),
  );

  readonly decode = async function* (this: Decoding, signal: AbortSignal) {
    this.started++;
    for (const [index, passed] of this.#passed.entries()) {
      await Promise.race([passed, abortion(signal)]);
      if (signal.aborted) {
        this.aborted = signal.reason;
        throw signal.reason;
      }
      yield this.#tile(index);
    }
  }.bind(this);

  pass(...indices: readonly number[]): void {
    for (const index of indices) this.#steps[index]?.();
  }

  #tile(index: number): DecodedTile {
    const tensor = { name: `t${index}`, offset: 2 * index, bytes: 2 } as DecodedTile['tensor'];
    const release = (): void => {
      this.released++;
    };
    return { tensor, bytes: Uint8Array.of(2 * index, 2 * index + 1), crc32: index, release };
  }
}

function abortion(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

async function bytesOf(tiles: AsyncIterable<DecodedTile> | undefined): Promise<number[]> {
  const bytes: number[] = [];
  for await (const tile of tiles ?? []) {
    bytes.push(...tile.bytes);
    tile.release();
  }
  return bytes;
}

function cancelled(): LogahError {
  return new LogahError('cancelled', 'gone');
}

describe('KeptAnswers', () => {
  const { signal } = new AbortController();

  it('decodes once for all who ask, during and after', async () => {
    const answers = new KeptAnswers(100);
    const decoding = new Decoding();
    const [first, second] = [0, 1].map(() => answers.tiles('k', 6, EVERYTHING, signal, decoding.decode));
    decoding.pass(0, 1, 2);
    expect(await Promise.all([bytesOf(first), bytesOf(second)])).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 1, 2, 3, 4, 5],
    ]);
    expect(await bytesOf(answers.tiles('k', 6, EVERYTHING, signal, decoding.decode))).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
    expect(decoding).toMatchObject({ started: 1, released: 3 });
  });

  it('gives tiles on as they come', async () => {
    const decoding = new Decoding();
    const tiles = new KeptAnswers(100).tiles('k', 6, EVERYTHING, signal, decoding.decode);
    decoding.pass(0);
    expect((await tiles?.next())?.value).toMatchObject({ crc32: 0 });
    decoding.pass(1, 2);
    expect((await tiles?.next())?.value).toMatchObject({ crc32: 1 });
  });

  it('gives the tensors within a range whole', async () => {
    const answers = new KeptAnswers(100);
    const decoding = new Decoding();
    decoding.pass(0, 1, 2);
    expect(await bytesOf(answers.tiles('k', 6, { start: 3, end: 6 }, signal, decoding.decode))).toEqual([
      2, 3, 4, 5,
    ]);
  });

  it('goes on for those who stay when one leaves', async () => {
    const answers = new KeptAnswers(100);
    const decoding = new Decoding();
    const leaving = new AbortController();
    const left = bytesOf(answers.tiles('k', 6, EVERYTHING, leaving.signal, decoding.decode));
    const staying = bytesOf(answers.tiles('k', 6, EVERYTHING, signal, decoding.decode));
    leaving.abort(cancelled());
    await expect(left).rejects.toMatchObject({ kind: 'cancelled' });
    decoding.pass(0, 1, 2);
    expect(await staying).toEqual([0, 1, 2, 3, 4, 5]);
    expect(decoding.aborted).toBeUndefined();
  });

  it('ends when all have left, and starts anew for who comes then', async () => {
    const answers = new KeptAnswers(6);
    const abandoned = new Decoding();
    const leaving = new AbortController();
    const left = bytesOf(answers.tiles('k', 6, EVERYTHING, leaving.signal, abandoned.decode));
    leaving.abort(cancelled());
    await expect(left).rejects.toMatchObject({ kind: 'cancelled' });
    const decoding = new Decoding();
    decoding.pass(0, 1, 2);
    expect(await bytesOf(answers.tiles('k', 6, EVERYTHING, signal, decoding.decode))).toHaveLength(6);
    expect(abandoned.aborted).toMatchObject({ kind: 'cancelled' });
  });

  it('does not keep what failed', async () => {
    const answers = new KeptAnswers(6);
    const failing = async function* (): AsyncGenerator<DecodedTile, void, undefined> {
      yield* [];
      await Promise.reject(new LogahError('unavailable', 'a worker ended'));
    };
    await expect(bytesOf(answers.tiles('k', 6, EVERYTHING, signal, failing))).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const decoding = new Decoding();
    decoding.pass(0, 1, 2);
    expect(await bytesOf(answers.tiles('k', 6, EVERYTHING, signal, decoding.decode))).toHaveLength(6);
  });

  it('forgets the answer that was read longest ago, and never one that is being decoded', async () => {
    const answers = new KeptAnswers(12);
    const decode = async (key: string): Promise<Decoding> => {
      const decoding = new Decoding();
      decoding.pass(0, 1, 2);
      await bytesOf(answers.tiles(key, 6, EVERYTHING, signal, decoding.decode));
      return decoding;
    };
    await decode('a');
    await decode('b');
    expect(await decode('a')).toMatchObject({ started: 0 });
    await decode('c');
    expect(await decode('a')).toMatchObject({ started: 0 });
    expect(await decode('b')).toMatchObject({ started: 1 });
    const [growing, other] = [new Decoding(), new Decoding()];
    const pending = [growing, other].map(({ decode: begin }, index) =>
      bytesOf(answers.tiles(`growing ${index}`, 6, EVERYTHING, signal, begin)),
    );
    expect(answers.tiles('d', 6, EVERYTHING, signal, new Decoding().decode)).toBeUndefined();
    growing.pass(0, 1, 2);
    other.pass(0, 1, 2);
    await Promise.all(pending);
  });

  it('does not keep what is larger than all that it may hold', () => {
    expect(new KeptAnswers(5).tiles('k', 6, EVERYTHING, signal, new Decoding().decode)).toBeUndefined();
  });
});
