/** Every family through the whole service, with a model that knows the operations of language models. */

import { join } from 'node:path';
import { architectureGraph } from '../../src/architecture';
import { elementCount } from '../../src/graph/graph';
import { goldenConfig, goldenNames } from '../architecture/golden-graphs';
import { generousLimits } from '../architecture/requests';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const BUNDLE = join(__dirname, '..', 'fixtures', 'language', 'bundle');

/** As large as their configurations leave it. */
const LARGE = ['gpt2-defaults', 'vit-defaults'];

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ models: BUNDLE });
});

afterAll(async () => {
  await server.stop();
});

test.each(goldenNames.filter((name) => !LARGE.includes(name)))(
  'every parameter of %s is predicted, by rule or tied, and sent in the order of its state dict',
  async (name) => {
    const transformersConfig = goldenConfig(name);
    const { plan, data } = await predictAll(server.client, { architecture: { transformersConfig } });
    const { parameters } = architectureGraph({ transformersConfig }, generousLimits);
    expect(plan.tensors.map((tensor) => tensor.name)).toEqual(parameters.map((parameter) => parameter.name));
    const own = parameters.filter((parameter) => parameter.tiedTo === undefined);
    expect(data.length).toBe(4 * own.reduce((sum, parameter) => sum + elementCount(parameter.shape), 0));
    const values = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
    expect(values.every(Number.isFinite)).toBe(true);
  },
);
