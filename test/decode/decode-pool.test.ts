import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogahError } from '../../src/errors';
import { openBundle, type Bundle } from '../../src/hypernet/bundle';
import { DecodePool } from '../../src/decode/decode-pool';
import { linearGraph } from '../graph/sample-graphs';
import { BUNDLE } from '../support/parity-fixtures';

const CPU = { provider: 'cpu' } as const;
const never = new AbortController().signal;

let bundle: Bundle;
let pool: DecodePool;
const failures: Error[] = [];

beforeAll(async () => {
  bundle = await openBundle(BUNDLE);
  pool = await DecodePool.start([{ bundles: [bundle], placement: CPU }], (error) => failures.push(error));
});

afterAll(async () => {
  await pool.close();
  expect(failures).toEqual([]);
});

const encode = (signal = never, model = bundle.fingerprint): Promise<Float32Array> =>
  pool.encode(model, linearGraph(), signal);

describe('the pool', () => {
  it('is idle once every job is done', async () => {
    await pool.whenIdle();
    const done: string[] = [];
    const jobs = [encode(), encode(), encode()].map((job) => job.then(() => done.push('job')));
    expect(pool).toMatchObject({ size: 1, busy: 1, waiting: 1 });
    await pool.whenIdle().then(() => done.push('idle'));
    await Promise.all(jobs);
    expect(done).toEqual(['job', 'job', 'job', 'idle']);
    expect(pool).toMatchObject({ busy: 0, waiting: 0 });
  });

  it('does jobs in the order in which they were asked for', async () => {
    const done: number[] = [];
    await Promise.all(Array.from({ length: 8 }, (_, index) => encode().then(() => done.push(index))));
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('starts no job that was cancelled while it waited', async () => {
    const abort = new AbortController();
    const cancelled = new LogahError('cancelled', 'the call was cancelled');
    const before = Array.from({ length: 3 }, () => encode());
    const waiting = Array.from({ length: 3 }, () => encode(abort.signal));
    const after = encode();
    abort.abort(cancelled);
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes).toEqual(waiting.map(() => ({ status: 'rejected', reason: cancelled })));
    expect(await Promise.all([...before, after])).toHaveLength(4);
  });

  it('goes on after a job that failed', async () => {
    await expect(encode(never, 'other')).rejects.toThrow('no model other in this worker');
    expect((await encode()).length).toBe(3 * bundle.manifest.hypernet.hid);
  });

  it('does not start with a model that does not load', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'logah-pool-'));
    await cp(BUNDLE, directory, { recursive: true });
    await writeFile(join(directory, 'decoder.onnx'), 'no model');
    const starting = DecodePool.start(
      [{ bundles: [{ ...bundle, directory }], placement: CPU }],
      () => undefined,
    );
    await expect(starting).rejects.toThrow(/decoder\.onnx/);
    await rm(directory, { recursive: true });
  });

  it('that is closed does nothing more', async () => {
    const other = await DecodePool.start([{ bundles: [bundle], placement: CPU }], () => undefined);
    const waiting = other.encode(bundle.fingerprint, linearGraph(), never);
    const closing = other.close();
    await expect(waiting).rejects.toThrow('the decode pool is closed');
    await closing;
    await expect(other.encode(bundle.fingerprint, linearGraph(), never)).rejects.toThrow(
      'the decode pool is closed',
    );
  });
});
