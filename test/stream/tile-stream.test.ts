import { LogahError } from '../../src/errors';
import type { Parameter } from '../../src/graph/graph';
import type { Bundle } from '../../src/hypernet/bundle';
import { BufferPool, type StreamBuffers } from '../../src/stream/buffers';
import { planPrediction, type PredictionPlan } from '../../src/plan/plan';
import { NameSelection } from '../../src/plan/selection';
import { Slicing } from '../../src/plan/slicing';
import { TILE_ELEMENTS } from '../../src/plan/tile';
import { streamTiles } from '../../src/stream/tile-stream';
import type { FillJob } from '../../src/decode/worker-protocol';
import { linearGraph, node } from '../graph/sample-graphs';
import { manifest } from '../support/hypernet-config';

const bundle: Bundle = { manifest: manifest(), directory: '', fingerprint: '', expansion: undefined };

/** A tensor filled by rule. */
const parameter = (name: string, shape: readonly number[]): Parameter => ({
  name,
  shape,
  axis: 0,
  blocks: [
    { length: shape[0] ?? 1, origin: { kind: 'initialization', rule: 'zeros', standardDeviation: 0 } },
  ],
  tiedTo: undefined,
});

/** A tensor of so many tiles, the last of them short. */
const large = (name: string, tiles: number): Parameter =>
  parameter(name, [(tiles - 1) * (TILE_ELEMENTS / 1024) + 1, 1024]);

function planOf(...parameters: Parameter[]): PredictionPlan {
  const graph = linearGraph({ nodes: [node('input', 'input')], edges: [], parameters });
  return planPrediction(graph, bundle, {
    seed: 0,
    elementType: 'f32',
    selection: NameSelection.all,
    slicing: Slicing.whole,
    representation: 'dense',
    strength: 1,
    lift: 0,
    base: 0,
    strict: false,
  });
}

/** Decodes nothing, when it is told to. */
class FakePool {
  readonly started: FillJob[] = [];
  readonly #waiting: (() => void)[] = [];
  failure: Error | undefined;

  decode(job: FillJob): Promise<readonly number[]> {
    this.started.push(job);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        if (this.failure) reject(this.failure);
        else resolve(job.items.map(() => 0));
      });
    });
  }

  /** Finishes what was started. */
  finish(): void {
    for (const act of this.#waiting.splice(0)) act();
  }
}

/** Counts what is given back. */
class CountingBuffers extends BufferPool {
  given = 0;

  override enter(caller?: string): StreamBuffers {
    const buffers = super.enter(caller);
    const give = (buffer: SharedArrayBuffer): void => {
      this.given += 1;
      buffers.give(buffer);
    };
    return { ...buffers, give };
  }
}

function setUp(plan: PredictionPlan, tilesAhead = 3, start = 0) {
  const pool = new FakePool();
  const buffers = new CountingBuffers(10);
  const abort = new AbortController();
  const tiles = streamTiles(plan, new Float32Array(0), {
    pool,
    buffers,
    tilesAhead,
    requestKey: 'r',
    range: { start, end: plan.totalBytes },
    signal: abort.signal,
  });
  return { pool, buffers, abort, tiles };
}

const cancelled = new LogahError('cancelled', 'the call was cancelled');

describe('a stream of tiles', () => {
  it('has the tiles of every tensor in order, and decodes only so many ahead', async () => {
    const { pool, tiles, buffers } = setUp(planOf(large('a', 3), large('b', 4)));
    const seen: string[] = [];
    for (let index = 0; index < 7; index++) {
      const next = tiles.next();
      expect(pool.started).toHaveLength(Math.min(7, index + 3));
      pool.finish();
      const { value } = await next;
      if (value) seen.push(`${value.tensor.name}:${value.bytes.length / 4096}`);
      value?.release();
    }
    expect((await tiles.next()).done).toBe(true);
    expect(seen).toEqual(['a:1024', 'a:1024', 'a:1', 'b:1024', 'b:1024', 'b:1024', 'b:1']);
    expect(buffers.given).toBe(7);
  });

  it('decodes nothing before somebody reads', () => {
    expect(setUp(planOf(large('a', 3))).pool.started).toHaveLength(0);
  });

  it('decodes nothing further once it is cancelled, and gives back what was decoded ahead', async () => {
    const { pool, abort, tiles, buffers } = setUp(planOf(large('a', 10)));
    const first = tiles.next();
    pool.finish();
    (await first).value?.release();
    abort.abort(cancelled);
    await expect(tiles.next()).rejects.toBe(cancelled);
    pool.finish();
    expect((await tiles.next()).done).toBe(true);
    expect(pool.started).toHaveLength(3);
    expect(buffers.given).toBe(3);
  });

  it('decodes nothing at all where it is cancelled from the beginning', async () => {
    const { pool, abort, tiles } = setUp(planOf(large('a', 3)));
    abort.abort(cancelled);
    await expect(tiles.next()).rejects.toBe(cancelled);
    expect(pool.started).toHaveLength(0);
  });

  it('decodes nothing further once its reader leaves', async () => {
    const { pool, tiles, buffers } = setUp(planOf(large('a', 10)));
    const first = tiles.next();
    pool.finish();
    (await first).value?.release();
    await tiles.return();
    pool.finish();
    await Promise.resolve();
    expect(pool.started).toHaveLength(3);
    expect(buffers.given).toBe(3);
  });

  it('decodes one tile ahead where other streams have taken all the room', async () => {
    const { pool, tiles, buffers } = setUp(planOf(large('a', 10)));
    const others = buffers.enter();
    for (let taken = 0; taken < 10; taken++) others.take(1 << 22);
    const first = tiles.next();
    expect(pool.started).toHaveLength(1);
    pool.finish();
    expect((await first).done).toBe(false);
    void tiles.next();
    await Promise.resolve();
    expect(pool.started).toHaveLength(2);
  });

  it('raises the error of a tile in its turn, and no other, and gives back the memory of all', async () => {
    const { pool, tiles, buffers } = setUp(planOf(large('a', 10)));
    const first = tiles.next();
    pool.failure = new Error('out of memory');
    pool.finish();
    await expect(first).rejects.toThrow('out of memory');
    expect((await tiles.next()).done).toBe(true);
    expect(pool.started).toHaveLength(3);
    expect(buffers.given).toBe(3);
  });

  it('leaves out tensors that lie before the position where it begins', async () => {
    const plan = planOf(large('a', 2), large('b', 1));
    const { pool, tiles } = setUp(plan, 3, plan.tensors[0]?.bytes ?? 0);
    const next = tiles.next();
    pool.finish();
    expect((await next).value?.tensor.name).toBe('b');
    expect(pool.started).toHaveLength(1);
  });

  it('decodes small tensors together, each at a place of its own', async () => {
    const small = Array.from({ length: 40 }, (_, index) => parameter(`s${index}`, [3, 100 + index]));
    const plan = planOf(...small, large('a', 1));
    const { pool, tiles, buffers } = setUp(plan);
    const seen: string[] = [];
    const releases: (() => void)[] = [];
    const next = tiles.next();
    expect(pool.started.map(({ items }) => items.length)).toEqual([32, 9]);
    pool.finish();
    for (let value = (await next).value; value; value = (await tiles.next()).value) {
      const { tensor, bytes, release } = value;
      const mark = 1 + seen.length;
      seen.push(`${tensor.name}:${bytes.length}`);
      bytes.fill(mark);
      releases.push(() => {
        expect(bytes.every((byte) => byte === mark)).toBe(true);
        release();
      });
    }
    expect(seen).toEqual(plan.tensors.map(({ name, bytes }) => `${name}:${bytes}`));
    expect(buffers.given).toBe(0);
    for (const release of releases) release();
    expect(buffers.given).toBe(2);
  });

  it('gives back a shared buffer once, wherever its reader leaves', async () => {
    const plan = planOf(...Array.from({ length: 5 }, (_, index) => parameter(`s${index}`, [7])));
    for (let count = 1; count <= 5; count++) {
      const { pool, tiles, buffers } = setUp(plan);
      const next = tiles.next();
      pool.finish();
      (await next).value?.release();
      for (let read = 1; read < count; read++) (await tiles.next()).value?.release();
      await tiles.return();
      expect(buffers.given).toBe(1);
    }
  });
});
