/** A language model's tokenizer: on the wire, and beside the weights. */

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../src/hypernet/manifest';
import { runCli } from '../cli/run-cli';
import { startServer, type ServerProcess } from '../support/server-process';

const BUNDLE = join(__dirname, '..', 'fixtures', 'language', 'bundle');
const FILES = { 'tokenizer.json': '{"model":{}}', 'tokenizer_config.json': '{}' };
const CONFIG = { model_type: 'gpt2', n_embd: 16, n_layer: 1, n_head: 2, n_positions: 8, vocab_size: 40 };

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-tokenizer-'));
  const models = join(directory, 'models');
  await cp(BUNDLE, join(models, 'plain'), { recursive: true });
  await cp(BUNDLE, join(models, 'reader'), { recursive: true });
  const path = join(models, 'reader', 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  const files = { ...manifest.files };
  for (const [name, content] of Object.entries(FILES)) {
    await writeFile(join(models, 'reader', name), content);
    files[name] = { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length };
  }
  const tokenizer = { vocab_size: 40, files: Object.keys(FILES) };
  await writeFile(
    path,
    JSON.stringify({ ...manifest, name: 'reader', families: ['gpt2'], files, tokenizer }),
  );
  server = await startServer({ models });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const planOf = (config: object, model = '') =>
  server.client.plan({ architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) }, model });

test('a plan says that the model has one, where the network is of its family and reads as many tokens', async () => {
  const plain = (await server.client.listModels()).models.find(({ name }) => name !== 'reader')?.name;
  expect((await planOf(CONFIG, 'reader')).hasTokenizer).toBe(true);
  expect((await planOf(CONFIG, plain)).hasTokenizer).toBe(false);
  expect((await planOf({ ...CONFIG, vocab_size: 41 }, 'reader')).hasTokenizer).toBe(false);
  const opt = {
    model_type: 'opt',
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    ffn_dim: 16,
  };
  expect((await planOf({ ...opt, vocab_size: 40 }, 'reader')).hasTokenizer).toBe(false);
});

test('it comes as files, and the list of models has its size', async () => {
  const files = await server.client.tokenizer('reader');
  expect(Object.fromEntries([...files].map(([name, data]) => [name, data.toString()]))).toEqual(FILES);
  const { models } = await server.client.listModels();
  const sizes = models.filter(({ builtIn }) => !builtIn).map(({ tokenizerVocabSize }) => tokenizerVocabSize);
  expect(sizes.sort()).toEqual([0, 40]);
});

test('a model without one is refused, and so is a model that is not there', async () => {
  const plain = (await server.client.listModels()).models.find(({ name }) => name !== 'reader')?.name ?? '';
  await expect(server.client.tokenizer(plain)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining('a model without a tokenizer') as unknown,
  });
  await expect(server.client.tokenizer('nope')).rejects.toMatchObject({ kind: 'not_found' });
});

test('logah predict puts it beside the weights, with how text is generated, and leaves one that lies there', async () => {
  const config = join(directory, 'config.json');
  await writeFile(config, JSON.stringify(CONFIG));
  const out = join(directory, 'out');
  const predict = (...flags: string[]) =>
    runCli(
      'predict',
      config,
      '--out',
      out,
      '--server',
      server.address,
      '--model',
      'reader',
      '--quiet',
      ...flags,
    );
  expect(await predict()).toMatchObject({ code: 0 });
  expect((await readdir(out)).sort()).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    ...Object.keys(FILES),
  ]);
  expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json']);
  expect(JSON.parse(await readFile(join(out, 'generation_config.json'), 'utf8'))).toMatchObject({
    max_length: 8,
  });

  await writeFile(join(out, 'tokenizer.json'), 'my own');
  expect(await predict('--seed', '1')).toMatchObject({ code: 0 });
  expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe('my own');
});
