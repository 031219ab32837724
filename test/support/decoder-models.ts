/** A server with a model of every decoder, and networks that they predict. */

import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PredictRequest, TensorPlan } from '../../src/client';
import { GHN3_BUNDLE } from './parity-fixtures';
import { startServer, type ServerProcess } from './server-process';
import { copyAsStd } from './std-bundle';

const ROOT = join(__dirname, '..', '..');
export const SEED = 5;
/** As published, without slots; largest sizes of 128. */
export const PUBLISHED = 'language-tiny';
export const STD = 'language-tiny-std';
export const DENSE = 'parity-ghn3';
/** Aligned, with slots, trained on widths of 32 to 192. */
export const TRAINED = 'logah-tiny-vit-fashion';
export const TRAINED_GPT2 = 'logah-tiny-gpt2-kjv';

export const VIT = {
  model_type: 'vit',
  hidden_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  intermediate_size: 192,
  image_size: 28,
  patch_size: 7,
  num_channels: 1,
  num_labels: 10,
};
/** A hidden layer whose base the published model tiles amid. */
export const GPT2 = {
  model_type: 'gpt2',
  n_embd: 96,
  n_inner: 600,
  n_layer: 2,
  n_head: 6,
  vocab_size: 300,
  n_positions: 16,
};

export const MODELS = [
  { network: 'a ViT', config: VIT, model: TRAINED, copies: 1 },
  { network: 'a ViT', config: VIT, model: PUBLISHED, copies: 3 },
  { network: 'a ViT', config: VIT, model: DENSE, copies: 1 },
  { network: 'a ViT', config: VIT, model: DENSE, copies: 2 },
  { network: 'a GPT-2', config: GPT2, model: TRAINED_GPT2, copies: 3 },
  { network: 'a GPT-2', config: GPT2, model: PUBLISHED, copies: 1 },
  { network: 'a GPT-2', config: GPT2, model: PUBLISHED, copies: 3 },
  { network: 'a GPT-2', config: GPT2, model: STD, copies: 1 },
  { network: 'a GPT-2', config: GPT2, model: STD, copies: 3 },
  { network: 'a GPT-2', config: GPT2, model: DENSE, copies: 3 },
];

/** A server with those models, and its directory; the cache of this process lies there, too. */
export interface DecoderServer {
  readonly directory: string;
  readonly server: ServerProcess;
  readonly stop: () => Promise<void>;
}

export async function startDecoderServer(): Promise<DecoderServer> {
  const directory = await mkdtemp(join(tmpdir(), 'logah-decoders-'));
  process.env.XDG_CACHE_HOME = directory;
  const models = join(directory, 'models');
  const bundle = join(ROOT, 'test/fixtures/language/bundle');
  await cp(bundle, join(models, PUBLISHED), { recursive: true });
  await copyAsStd(bundle, join(models, STD), STD);
  await cp(GHN3_BUNDLE, join(models, DENSE), { recursive: true });
  for (const name of [TRAINED, TRAINED_GPT2]) await symlink(join(ROOT, 'models', name), join(models, name));
  const server = await startServer({ models });
  const stop = async (): Promise<void> => {
    delete process.env.XDG_CACHE_HOME;
    await server.stop();
    await rm(directory, { recursive: true });
  };
  return { directory, server, stop };
}

/** What every request of a suite has in common: the network and the seed. */
export function requestFor(config: object, changes: Partial<PredictRequest> = {}): PredictRequest {
  return {
    architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) },
    seed: SEED,
    ...changes,
  };
}

/** Mean and unbiased standard deviation. */
export function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** The elements of each block that is decoded in one piece, by their indices in the tensor. */
export function blocksOf({ name, shape }: TensorPlan, isFusedApart: boolean): number[][] {
  const count = shape.reduce((product, size) => product * size, 1);
  const all = Array.from({ length: count }, (_, index) => index);
  const width = shape.at(-1) ?? 1;
  // The class token's position is filled by rule.
  if (name === 'vit.embeddings.position_embeddings') return [all.filter((index) => index >= width)];
  if (!name.endsWith('attn.c_attn.weight') || !isFusedApart) return [all];
  return [0, 1, 2].map((part) => all.filter((index) => Math.floor((index % width) / (width / 3)) === part));
}
