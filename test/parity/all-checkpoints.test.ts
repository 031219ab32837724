/**
 * What the authors' own code predicts, through export, ONNX Runtime and the service: `npm run test:parity`. Needs the
 * authors' checkpoints and predictions (LOGAH_PARITY, default ../shared/parity beside the repository) and a Python with
 * the package's dependencies (LOGAH_PYTHON, default python3); fails without them.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { floats, readGraph, readTensors, relativeError } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const REPOSITORY = join(__dirname, '..', '..');
const PARITY = process.env.LOGAH_PARITY ?? join(REPOSITORY, '..', 'shared', 'parity');
const PYTHON = process.env.LOGAH_PYTHON ?? 'python3';
const TOLERANCE = 1e-5;

const POSITIONS = 'encoder.pos_embedding';
/** Left as it was by the authors' code; a rule fills it here. */
const CLASS_TOKEN = 'class_token';

interface Case {
  readonly network: string;
  readonly model: string;
  readonly expected: string;
}

interface Digest {
  readonly shape: readonly number[];
  readonly l2: number;
  readonly mean: number;
  readonly std: number;
  readonly head: readonly number[];
  readonly tail: readonly number[];
}

/** Written by python/tests/support/export_parity.py. */
const NETWORKS = ['vit-c96-l2-p4', 'vit-c160-l3-p2', 'vit-c320-l2-p16', 'ghn3-vit-c96-l2-p4'];
const DIGESTED = 'ghn3-resnet18';

let directory: string;
let cases: readonly Case[];
let server: ServerProcess | undefined;

beforeAll(async () => {
  if (!existsSync(join(PARITY, 'README.md'))) {
    throw new Error(`no parity data in ${PARITY}: set LOGAH_PARITY to the directory that holds them`);
  }
  directory = await mkdtemp(join(tmpdir(), 'logah-parity-'));
  const script = join(REPOSITORY, 'python', 'tests', 'support', 'export_parity.py');
  await promisify(execFile)(PYTHON, [script, directory], {
    env: { ...process.env, LOGAH_PARITY: PARITY, PYTHONPATH: join(REPOSITORY, 'python') },
  }).catch((cause: unknown) => {
    throw new Error(`${PYTHON} could not export the bundles; LOGAH_PYTHON names the Python to use`, {
      cause,
    });
  });
  cases = JSON.parse(await readFile(join(directory, 'cases.json'), 'utf8')) as Case[];
  server = await startServer({ models: join(directory, 'models') });
}, 600_000);

afterAll(async () => {
  await server?.stop();
  if (directory) await rm(directory, { recursive: true });
});

async function predicted(network: string): Promise<{ whole: Predicted; expected: string }> {
  const found = cases.find((candidate) => candidate.network === network);
  if (found === undefined || server === undefined) throw new Error(`${network} was not exported`);
  const graph = readGraph(join(directory, `${network}.graph.json`));
  const whole = await predictAll(server.client, { architecture: { graph }, model: found.model });
  return { whole, expected: join(directory, found.expected) };
}

test.each(NETWORKS)('%s has the parameters that the authors predicted', async (network) => {
  const { whole, expected } = await predicted(network);
  const theirs = await readTensors(expected);
  const ours = whole.plan.tensors.filter(({ name }) => name !== CLASS_TOKEN);
  expect(ours.map(({ name }) => name).sort()).toEqual([...theirs.keys()].sort());
  const errors = ours.map(({ name, shape }): [string, number] => {
    // The class token's position is unseeded noise.
    const skipped = name === POSITIONS ? (shape[2] ?? 0) : 0;
    const right = theirs.get(name)?.subarray(skipped) ?? new Float32Array(0);
    return [name, relativeError(floats(whole.tensor(name)).subarray(skipped), right)];
  });
  errors.sort(([, one], [, other]) => other - one);
  console.log(`${network}: largest relative error ${String(errors[0]?.[1])} (${String(errors[0]?.[0])})`);
  expect(errors.filter(([, error]) => !(error < TOLERANCE))).toEqual([]);
});

test(`${DIGESTED} has the digests of what the authors predicted`, async () => {
  const { whole, expected } = await predicted(DIGESTED);
  const digests = JSON.parse(await readFile(expected, 'utf8')) as Readonly<Record<string, Digest>>;
  expect(whole.plan.tensors.map(({ name }) => name).sort()).toEqual(Object.keys(digests).sort());
  let largest = 0;
  for (const { name, shape } of whole.plan.tensors) {
    const digest = digests[name];
    if (digest === undefined) throw new Error(`no digest of ${name}`);
    const values = floats(whole.tensor(name));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    const l2 = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
    const errors = {
      l2: Math.abs(l2 / digest.l2 - 1),
      // Means lie near 0: they are measured in units of the spread.
      mean: Math.abs(mean - digest.mean) / (digest.std || Math.abs(digest.mean)),
      std: digest.std === 0 ? std : Math.abs(std / digest.std - 1),
      head: relativeError(values.subarray(0, 8), Float32Array.from(digest.head)),
      tail: relativeError(values.subarray(-8), Float32Array.from(digest.tail)),
    };
    largest = Math.max(largest, ...Object.values(errors));
    expect({ name, shape }).toEqual({ name, shape: digest.shape });
    expect({ name, errors, right: Math.max(...Object.values(errors)) < TOLERANCE }).toEqual({
      name,
      errors,
      right: true,
    });
  }
  console.log(`${DIGESTED}: largest relative error of a digest ${largest}`);
});
