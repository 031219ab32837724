/** Files that PyTorch's exporters made; `python/scripts/export_onnx_fixtures.py` says of what. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount, type ArchitectureGraph, type Parameter } from '../../../src/graph/graph';
import { fromConfig } from '../requests';
import { origins, read } from './reading';

const exported = (name: string): ArchitectureGraph =>
  read(readFileSync(join(__dirname, '..', '..', 'fixtures', 'onnx', `${name}.onnx`)));

function count<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

const operations = ({ nodes }: ArchitectureGraph): Record<string, number> =>
  count(nodes, ({ operation }) => operation);

const elements = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** Parameters that a rule fills, wholly or in part. */
const byRule = ({ parameters }: ArchitectureGraph): string[] =>
  parameters
    .filter(({ blocks }) => blocks.some(({ origin }) => origin.kind === 'initialization'))
    .map(({ name }) => name);

describe('ResNet-50', () => {
  const layers = { input: 1, conv: 54, max_pool: 1, sum: 16, glob_avg: 1 };

  it('is predicted to the last of its 25,557,032 parameters', () => {
    const graph = exported('resnet50');
    expect(operations(graph)).toEqual({ ...layers, bn: 53, bias: 1 });
    expect(elements(graph.parameters)).toBe(25_557_032);
    expect(graph.parameters).toHaveLength(161);
    expect(byRule(graph)).toEqual([]);
    expect(origins(graph)).toMatchObject({
      'layer4.2.bn3.bias': 'bias of layer4.2.bn3.weight',
      'fc.weight': 'matrix of fc.weight (classifier)',
      'fc.bias': 'bias of fc.bias (classifier)',
    });
  });

  it.each(['resnet50-folded', 'resnet50-dynamo'])(
    'has biases where its norms were folded away: %s',
    (name) => {
      const graph = exported(name);
      expect(operations(graph)).toEqual({ ...layers, bias: 54 });
      expect(byRule(graph)).toEqual([]);
    },
  );
});

describe('MobileNetV3', () => {
  const layers = { input: 1, conv: 49, sep_conv: 15, sum: 10, cse: 8, glob_avg: 1 };

  it('is predicted to the last of its 5,483,032 parameters, squeeze and excitation among them', () => {
    const graph = exported('mobilenet-v3');
    expect(operations(graph)).toEqual({ ...layers, bn: 46, bias: 18 });
    expect(elements(graph.parameters)).toBe(5_483_032);
    expect(byRule(graph)).toEqual([]);
  });

  it('has the same layers from the other exporter, which folds its norms away', () => {
    const graph = exported('mobilenet-v3-dynamo');
    expect(operations(graph)).toEqual({ ...layers, bias: 64 });
    expect(byRule(graph)).toEqual([]);
  });
});

test.each(['convnext-tiny', 'convnext-tiny-dynamo'])(
  '%s: all 28,589,128 parameters are predicted but the 18 layer scales',
  (name) => {
    const graph = exported(name);
    expect(operations(graph)).toEqual({
      input: 1,
      conv: 41,
      sep_conv: 18,
      ln: 23,
      bias: 59,
      sum: 18,
      glob_avg: 1,
    });
    expect(elements(graph.parameters)).toBe(28_589_128);
    const scales = byRule(graph);
    expect(scales).toHaveLength(18);
    for (const scale of scales) {
      expect(scale).toMatch(/layer_scale_parameter$/);
      expect(origins(graph)[scale]).toMatch(/^\d+ constant 0.000001$/);
    }
  },
);

/** Operations, and the shapes of nodes whichever way round a matrix is stored. */
const shapes = ({ nodes }: ArchitectureGraph): Record<string, number> =>
  count(
    nodes,
    ({ operation, shape }) =>
      `${operation} ${(shape.length === 2 ? [...shape].sort((a, b) => a - b) : shape).join()}`,
  );

/** Elements by how they are made. */
const coverage = ({ parameters }: ArchitectureGraph): Record<string, number> => {
  const totals: Record<string, number> = {};
  for (const { shape, axis, blocks } of parameters) {
    for (const { length, origin } of blocks) {
      const key = origin.kind === 'prediction' ? `${origin.role} slot ${origin.slot}` : origin.rule;
      totals[key] = (totals[key] ?? 0) + (elementCount(shape) / (shape[axis] ?? 1)) * length;
    }
  }
  return totals;
};

/** For each node, its operation and those that it reads. */
const joints = ({ nodes, edges }: ArchitectureGraph): Record<string, number> => {
  const sources = nodes.map((): string[] => []);
  for (const { source, target } of edges) sources[target]?.push(nodes[source]?.operation ?? '');
  return count(
    nodes.map(({ operation }, index) => `${operation} <- ${(sources[index] ?? []).sort().join(' + ')}`),
    (text) => text,
  );
};

const VIT = {
  ...{
    model_type: 'vit',
    hidden_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    intermediate_size: 384,
  },
  ...{ image_size: 32, patch_size: 4, num_labels: 10 },
};
const GPT2 = { model_type: 'gpt2', n_embd: 96, n_layer: 2, n_head: 3, vocab_size: 500, n_positions: 64 };
const LLAMA = {
  ...{
    model_type: 'llama',
    hidden_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
  },
  ...{ intermediate_size: 256, vocab_size: 500, max_position_embeddings: 64 },
};

describe('a transformer is the network that its configuration says', () => {
  it.each([
    ['vit', VIT],
    ['vit-fresh', VIT],
    ['vit-dynamo', VIT],
    ['gpt2-dynamo', GPT2],
    // The old exporter writes the head that is tied as a second matrix.
    ['gpt2', { ...GPT2, tie_word_embeddings: false }],
    ['llama', LLAMA],
    ['llama-opset23-dynamo', LLAMA],
  ] as [string, object][])('%s', (name, config) => {
    const [ours, theirs] = [exported(name), fromConfig(config)];
    expect(shapes(ours)).toEqual(shapes(theirs));
    expect(joints(ours)).toEqual(joints(theirs));
    expect(coverage(ours)).toEqual(coverage(theirs));
    // An encoder rounds its sums in the order of the nodes.
    expect(ours.nodes.map(({ operation }) => operation)).toEqual(
      theirs.nodes.map(({ operation }) => operation),
    );
  });
});

test('a Swin transformer has its tables of relative positions by rule', () => {
  const graph = exported('swin');
  const tables = byRule(graph);
  expect(tables).toHaveLength(4);
  for (const table of tables) expect(table).toMatch(/relative_position_bias_table$/);
  expect(operations(graph)).toMatchObject({ msa: 4, ln: 11, sum: 8 });
});

test('layers that are not predicted are initialised as PyTorch does', () => {
  const graph = exported('unpredicted');
  expect(operations(graph)).toEqual({ input: 1, conv: 2, bias: 3, dil_conv: 1 });
  expect(origins(graph)).toMatchObject({
    'grouped.weight': 'matrix of grouped.weight',
    'norm.weight': '16 ones',
    'norm.bias': '16 zeros',
    'slope.weight': '16 constant 0.25',
    'up.weight': `16 uniform ${1 / Math.sqrt(32)}`,
    'up.bias': `8 uniform ${1 / Math.sqrt(32)}`,
    'series.weight': `24 uniform ${1 / Math.sqrt(24)}`,
    'head.weight': 'matrix of head.weight (classifier)',
  });
});

describe('Keras by tf2onnx', () => {
  it('convolutions of every kind, a squeeze and excitation, and what joins and pools', () => {
    const graph = exported('keras-convolutions');
    const pools = { max_pool: 1, avg_pool: 1, glob_avg: 1 };
    expect(operations(graph)).toEqual({
      input: 1,
      conv: 8,
      sep_conv: 2,
      bias: 9,
      cse: 1,
      sum: 1,
      concat: 1,
      ...pools,
    });
    // A norm behind a depthwise convolution is left as a scale and an offset of four dimensions.
    expect(byRule(graph).map((name) => origins(graph)[name])).toEqual(['1 ones', '1 zeros']);
  });

  it('attention, norms spelled out by global pooling, and an LSTM', () => {
    const graph = exported('keras-attention');
    expect(joints(graph)).toEqual({
      'input <- ': 1,
      'pos_enc <- input': 1,
      'ln <- pos_enc': 1,
      'conv <- ln': 4,
      'bias <- conv': 7,
      'msa <- bias + bias + bias': 1,
      'conv <- msa': 1,
      'sum <- bias + pos_enc': 1,
      'ln <- sum': 1,
      'conv <- bias': 1,
      'sum <- bias + sum': 1,
      'conv <- sum': 1,
    });
    const rules = byRule(graph).map((name) => origins(graph)[name]);
    // tf2onnx gives vectors dimensions of 1, and biases of heads two; they are predicted as the vectors that they are.
    expect(rules).toHaveLength(3);
    expect(rules.filter((rule) => rule?.includes('uniform'))).toHaveLength(3);
  });
});
