/** `logah predict` with factors or cores: the same file from far fewer bytes. */

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatGraphJson } from '../../src/architecture/graph-json';
import { copyAsStd } from '../support/std-bundle';
import { graphOf } from '../support/stored-tensors';
import { runCli } from './run-cli';

const BUNDLE = join(__dirname, '../fixtures/parity/bundle');
const SHIPPED = join(__dirname, '../../models');

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-factors-'));
  process.env.XDG_CACHE_HOME = directory;
});

afterEach(async () => {
  delete process.env.XDG_CACHE_HOME;
  await rm(directory, { recursive: true });
});

/** Everything behind the header, which names the fingerprint of what was sent. */
function tensorData(file: Buffer): Buffer {
  return file.subarray(8 + Number(file.readBigUInt64LE(0)));
}

describe.each(['f32', 'f16', 'bf16'])('with elements of type %s', (dtype) => {
  it.each([
    [
      'a fused projection and a table tiled many times',
      { model_type: 'gpt2', n_embd: 96, n_layer: 1, n_head: 3, vocab_size: 3001, n_positions: 64 },
    ],
    [
      'separate projections and a single class',
      {
        model_type: 'vit',
        hidden_size: 320,
        num_hidden_layers: 1,
        num_attention_heads: 4,
        intermediate_size: 640,
        image_size: 32,
        num_labels: 1,
      },
    ],
    ['matrices and kernels that are stored otherwise than predicted', formatGraphJson(graphOf(false))],
  ])('of %s, what was sent expands to the bits of the dense prediction', async (_, architecture) => {
    const isGraph = typeof architecture === 'string';
    const path = join(directory, isGraph ? 'graph.json' : 'config.json');
    await writeFile(path, isGraph ? architecture : JSON.stringify(architecture));
    const predict = async (name: string, ...flags: string[]): Promise<Buffer> => {
      const out = join(directory, name);
      const run = await runCli('predict', path, '--out', out, '--models', BUNDLE, '--dtype', dtype, ...flags);
      expect(run).toMatchObject({ code: 0 });
      return readFile(join(out, 'model.safetensors'));
    };
    const dense = tensorData(await predict('dense'));
    expect(tensorData(await predict('factors', '--factors', '--sha256')).equals(dense)).toBe(true);
    expect(tensorData(await predict('core', '--representation', 'core')).equals(dense)).toBe(true);
  });
});

it('fetches the expansion of cores once, and anew where the file that it kept is damaged', async () => {
  const path = join(directory, 'config.json');
  await writeFile(path, '{"model_type": "gpt2", "n_embd": 96, "n_layer": 1, "n_head": 3, "vocab_size": 301}');
  const cache = join(directory, 'logah');
  const predict = async (): Promise<Buffer> => {
    const out = join(directory, 'out');
    const run = await runCli('predict', path, '--out', out, '--models', BUNDLE, '--representation', 'core');
    expect(run).toMatchObject({ code: 0 });
    return readFile(join(out, 'model.safetensors'));
  };
  const first = await predict();
  const [name = ''] = await readdir(cache);
  const kept = await readFile(join(cache, name));
  expect(createHash('sha256').update(kept).digest('hex')).toBe(name);
  await writeFile(join(cache, name), kept.subarray(1));
  expect((await predict()).equals(first)).toBe(true);
  expect((await readFile(join(cache, name))).equals(kept)).toBe(true);
  expect(await readdir(cache)).toEqual([name]);
});

it('factors and cores of a model that normalises by standard deviation expand to the bits of the dense prediction', async () => {
  const [config, models] = [join(directory, 'config.json'), join(directory, 'std')];
  const network = {
    model_type: 'gpt2',
    n_embd: 96,
    n_layer: 1,
    n_head: 3,
    vocab_size: 3001,
    n_positions: 64,
  };
  await writeFile(config, JSON.stringify(network));
  await copyAsStd(BUNDLE, models, 'std');
  const predict = async (name: string, ...flags: string[]): Promise<Buffer> => {
    const out = join(directory, name);
    const run = await runCli('predict', config, '--out', out, '--models', models, ...flags);
    expect(run).toMatchObject({ code: 0 });
    return tensorData(await readFile(join(out, 'model.safetensors')));
  };
  const dense = await predict('dense');
  expect((await predict('factors', '--factors')).equals(dense)).toBe(true);
  expect((await predict('core', '--representation', 'core')).equals(dense)).toBe(true);
});

it('cannot be combined with a shard', async () => {
  const run = await runCli('predict', 'config.json', '--out', directory, '--factors', '--shard', '0/2');
  expect(run).toMatchObject({ code: 2 });
  expect(run.stderr).toContain("'--factors' cannot be used with option '--shard");
});

it.each([
  [
    'a fused projection, a shared table and a hidden layer that the model tiles amid',
    { model_type: 'gpt2', n_embd: 96, n_inner: 900, n_layer: 1, n_head: 3, vocab_size: 301, n_positions: 64 },
    BUNDLE,
  ],
  [
    'projections of their own, of a model with aligned blocks',
    { model_type: 'gpt2', n_embd: 96, n_layer: 1, n_head: 3, vocab_size: 301, n_positions: 64 },
    SHIPPED,
  ],
  [
    'patches, positions and a class token',
    {
      model_type: 'vit',
      hidden_size: 96,
      num_hidden_layers: 1,
      num_attention_heads: 3,
      intermediate_size: 288,
      image_size: 28,
      patch_size: 7,
    },
    SHIPPED,
  ],
  [
    'matrices whose base has a single column',
    { model_type: 'gpt2', n_embd: 3, n_inner: 48, n_layer: 1, n_head: 3, vocab_size: 301, n_positions: 64 },
    SHIPPED,
  ],
])(
  'of copies with %s, what was sent expands to the bits of the dense prediction',
  async (_, config, models) => {
    const path = join(directory, 'config.json');
    await writeFile(path, JSON.stringify(config));
    const predict = async (name: string, ...flags: string[]): Promise<Buffer> => {
      const out = join(directory, name);
      const run = await runCli('predict', path, '--out', out, '--models', models, '--copies', '3', ...flags);
      expect(run).toMatchObject({ code: 0 });
      return readFile(join(out, 'model.safetensors'));
    };
    const dense = tensorData(await predict('dense'));
    expect(tensorData(await predict('factors', '--factors')).equals(dense)).toBe(true);
    expect(tensorData(await predict('core', '--representation', 'core')).equals(dense)).toBe(true);
  },
);

it('a lift is told by plan and predict, and makes another file', async () => {
  const path = join(directory, 'config.json');
  const config = { model_type: 'gpt2', n_embd: 48, n_layer: 1, n_head: 3, vocab_size: 301, n_positions: 64 };
  await writeFile(path, JSON.stringify(config));
  const line = 'lifted: noise of 0.25 times the standard deviation of each predicted block\n';
  const plan = async (...flags: string[]): Promise<string> =>
    (await runCli('plan', path, '--models', BUNDLE, ...flags)).stdout;
  expect(await plan('--lift', '0.25')).toContain(line);
  expect(await plan()).not.toContain('lifted');
  expect(await plan('--lift', '0')).toBe(await plan());
  const predict = async (name: string, ...flags: string[]): Promise<Buffer> => {
    const out = join(directory, name);
    const run = await runCli('predict', path, '--out', out, '--models', BUNDLE, '--json', ...flags);
    expect(JSON.parse(run.stdout)).toMatchObject({ lift: flags.length === 0 ? 0 : 0.25 });
    return tensorData(await readFile(join(out, 'model.safetensors')));
  };
  const [plain, lifted, again] = [
    await predict('plain'),
    await predict('lifted', '--lift', '.25'),
    await predict('again', '--lift', '25e-2', '--streams', '3'),
  ];
  expect(lifted.length).toBe(plain.length);
  expect(lifted.equals(plain)).toBe(false);
  expect(again.equals(lifted)).toBe(true);
  const out = join(directory, 'factors');
  const factors = await runCli('predict', path, '--out', out, '--models', BUNDLE, '--lift', '1', '--factors');
  expect(factors.code).toBe(1);
  expect(factors.stderr).toContain(
    'together with lift 1; only REPRESENTATION_DENSE and REPRESENTATION_CORE are allowed',
  );
});

it('strength and base are told by plan', async () => {
  const path = join(directory, 'config.json');
  const config = { model_type: 'gpt2', n_embd: 48, n_layer: 1, n_head: 3, vocab_size: 301, n_positions: 64 };
  await writeFile(path, JSON.stringify(config));
  const { stdout } = await runCli('plan', path, '--models', BUNDLE, '--strength', '.3', '--base', '1');
  expect(stdout).toContain('strength: 0.3 of the way from the default start to the prediction\n');
  expect(stdout).toContain(
    "base: noise of 1 times the standard deviation of each predicted block's default start\n",
  );
});
