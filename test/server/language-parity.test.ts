/** GPT-2 and Llama through the service as the LoGAH authors' code predicts them; test/fixtures/language/README.md. */

import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { floats, readGraph, relativeError } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';

const FIXTURES = join(__dirname, '..', 'fixtures', 'language');
const MODELS = { fan_in: 'language-tiny', std: 'language-tiny-std' } as const;
const NETWORKS = ['gpt2-untied', 'gpt2-tied', 'llama-untied'];
const TOLERANCE = 1e-5;

/** Of a tensor: its norm, and every `step`-th element. */
interface Sampled {
  readonly shape: readonly number[];
  readonly l2: number;
  readonly step: number;
  readonly values: readonly number[];
}

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-language-'));
  await cp(join(FIXTURES, 'bundle'), join(directory, MODELS.fan_in), { recursive: true });
  await copyAsStd(join(FIXTURES, 'bundle'), join(directory, MODELS.std), MODELS.std);
  server = await startServer({ models: directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** The larger of the relative errors of the sampled elements and of the norm. */
function errorOf(ours: Float32Array, theirs: Sampled): number {
  const sampled = ours.filter((_, index) => index % theirs.step === 0);
  const norm = Math.sqrt(ours.reduce((sum, value) => sum + value ** 2, 0));
  return Math.max(relativeError(sampled, Float32Array.from(theirs.values)), Math.abs(norm / theirs.l2 - 1));
}

test.each(
  NETWORKS.flatMap((network) => [
    { network, normalization: 'fan_in' as const },
    { network, normalization: 'std' as const },
  ]),
)(
  'every parameter of $network, normalised by $normalization, is theirs',
  async ({ network, normalization }) => {
    const path = join(FIXTURES, `${network}.${normalization}.json`);
    const theirs = new Map(
      Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, Sampled>),
    );
    const graph = readGraph(join(FIXTURES, `${network}.graph.json`));
    const { plan, tensor } = await predictAll(server.client, {
      architecture: { graph },
      model: MODELS[normalization],
    });
    const sent = plan.tensors.filter((planned) => planned.sent);
    expect(new Map(sent.map(({ name, shape }) => [name, [...shape]]))).toEqual(
      new Map([...theirs].map(([name, { shape }]) => [name, shape])),
    );
    const errors = [...theirs].map(([name, sampled]) => ({
      name,
      error: errorOf(floats(tensor(name)), sampled),
    }));
    expect(errors.filter(({ error }) => !(error < TOLERANCE))).toEqual([]);
  },
);
