/** The files in test/fixtures/configs, as people have them; Python's tests hold the same files to transformers itself. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureGraph } from '../../src/architecture';
import { graphSize } from '../../src/graph/limits';
import { generousLimits, violations } from './requests';

const DIRECTORY = join(__dirname, '..', 'fixtures', 'configs');
const FIELD = 'architecture.transformers_config';

const source = (name: string): { transformersConfig: Buffer } => ({
  transformersConfig: readFileSync(join(DIRECTORY, name)),
});

/** The class and the number of parameters; of those in transformers' documentation, the published one. */
const READ: Readonly<Record<string, readonly [architecture: string, elements: number]>> = {
  'bert-pretraining.json': ['BertForPreTraining', 110_106_428],
  'gpt2-nan.json': ['GPT2LMHeadModel', 58_560],
  'gpt2-seqcls.json': ['GPT2ForSequenceClassification', 124_441_344],
  'llama-seqcls-reward.json': ['LlamaForSequenceClassification', 9_504_256],
  'minilm-l6.json': ['BertModel', 22_713_216],
  'no-labels.json': ['ViTForImageClassification', 47_104],
  'tinyllama.json': ['LlamaForCausalLM', 1_100_048_384],
  'vit-in21k.json': ['ViTModel', 86_389_248],
};

const SIZE = 'must be an integer from 1 to 2147483647';
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'gpt2-float-sizes.json': [`n_embd: ${SIZE}, not 64.0`, `n_layer: ${SIZE}, not 1.0`],
  'lfs-pointer.json': [
    ': is a Git LFS pointer, not the file that it stands for; "git lfs pull" fetches that',
  ],
  'mistral-without-keys.json': [`num_key_value_heads: ${SIZE}, not null: transformers does not build it`],
  'qwen2-null-head-size.json': [
    'head_dim: must be absent, or an integer from 1 to 2147483647, not null: transformers does not build it',
  ],
};

test('every file is one of these', () => {
  expect(readdirSync(DIRECTORY).sort()).toEqual([...Object.keys(READ), ...Object.keys(REFUSED)].sort());
});

test.each(Object.entries(READ))('%s is read', (name, [architecture, elements]) => {
  const graph = architectureGraph(source(name), generousLimits);
  expect([graph.name, graphSize(graph).elements]).toEqual([architecture, elements]);
});

test.each(Object.entries(REFUSED))('%s is refused, with the reason', (name, expected) => {
  const found = violations(() => architectureGraph(source(name), generousLimits));
  expect(
    found.map(({ field, description }) => `${field.replace(FIELD, '').replace('.', '')}: ${description}`),
  ).toEqual(expected);
});

test('a ViT without labels has no classifier', () => {
  const { parameters } = architectureGraph(source('no-labels.json'), generousLimits);
  expect(parameters.at(-1)?.name).toBe('vit.layernorm.bias');
});
