/** Tensors that are stored otherwise than their framework has them, over a real port: the very numbers, in another place. */

import { join } from 'node:path';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { PredictRequest } from '../../src/client';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';
import { graphOf, moved, TENSORS, type Stored } from '../support/stored-tensors';

const FIXTURES = join(__dirname, '../fixtures/parity');

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-stored-'));
  await cp(join(FIXTURES, 'bundle'), join(directory, 'fan_in'), { recursive: true });
  await copyAsStd(join(FIXTURES, 'bundle'), join(directory, 'std'), 'parity-logah-std');
  server = await startServer({ models: directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const floats = (bytes: Buffer): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);

const request = (
  asFramework: boolean,
  model: string,
  changes: Partial<PredictRequest> = {},
): PredictRequest => ({
  architecture: { graph: graphOf(asFramework) },
  model,
  seed: 3,
  ...changes,
});

const MODELS = ['parity-logah', 'parity-logah-std'];

describe.each(MODELS)('with %s', (model) => {
  it.each(TENSORS)('$name has the bits of the framework, in its own order', async ({ name }) => {
    const only = { selection: { patterns: [name] } };
    const framework = await predictAll(server.client, request(true, model, only));
    const own = await predictAll(server.client, request(false, model, only));
    const tensor = TENSORS.find((each) => each.name === name) as Stored;
    const expected = moved(floats(framework.tensor(name)), tensor);
    expect(Buffer.from(expected.buffer).equals(own.tensor(name))).toBe(true);
  });

  it.each(['REPRESENTATION_FACTORS', 'REPRESENTATION_CORE'] as const)(
    'transposed matrices are sent as %s where that is smaller',
    async (representation) => {
      const plan = await server.client.plan(request(false, model, { representation }));
      const smaller = plan.tensors.filter(({ factors, core }) => factors.length + core.length > 0);
      expect(smaller.map(({ name }) => name)).toEqual(['square', 'wide', 'fused', 'huge']);
    },
  );

  it('shards and slices are parts of the whole', async () => {
    const whole = await predictAll(server.client, request(false, model));
    const shards = await Promise.all(
      [0, 1, 2].map((index) =>
        predictAll(server.client, request(false, model, { shard: { index, count: 3 } })),
      ),
    );
    for (const { name } of TENSORS) {
      const parts = shards.flatMap(({ plan, tensor }) =>
        plan.tensors.some((each) => each.name === name && each.sent) ? [tensor(name)] : [],
      );
      expect([name, Buffer.concat(parts).equals(whole.tensor(name))]).toEqual([name, true]);
    }
    const slices = [{ name: 'fused', start: [7, 90], end: [50, 200] }];
    const cut = await predictAll(
      server.client,
      request(false, model, { slices, selection: { patterns: ['fused'] } }),
    );
    const all = floats(whole.tensor('fused'));
    const expected = Array.from({ length: 43 }, (_, row) => [
      ...all.subarray((7 + row) * 288 + 90, (7 + row) * 288 + 200),
    ]);
    expect([...floats(cut.tensor('fused'))]).toEqual(expected.flat());
  });
});
