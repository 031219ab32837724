/** Small files of many exporters, each read as a client sends it: what every tensor of them is. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureGraph } from '../../../src/architecture';
import { onnxArchitecture } from '../../../src/client/onnx-file';
import { elementCount, type ArchitectureGraph } from '../../../src/graph/graph';
import { tensorContents } from '../../../src/onnx-file/summarise';
import { memorySource } from '../../../src/onnx-file/wire';
import { generousLimits, received } from '../requests';
import { asConstants } from './as-constants';
import { described, origins, read } from './reading';

const CASES = join(__dirname, '../../fixtures/onnx/cases');
const CONTENTS = join(__dirname, '../../fixtures/onnx/contents.json');
const files = readdirSync(CASES)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -'.onnx'.length));

const sent = async (name: string): Promise<ArchitectureGraph> =>
  architectureGraph(received(await onnxArchitecture(join(CASES, `${name}.onnx`))), generousLimits);

const parameters = ({ parameters: all }: ArchitectureGraph): number =>
  all.reduce((sum, { shape, tiedTo }) => sum + (tiedTo === undefined ? elementCount(shape) : 0), 0);

/** Reasons by name, of what is of floating point and more than one number. */
const constants = ({ constants: all = [] }: ArchitectureGraph): Record<string, string> =>
  Object.fromEntries(
    all
      .filter(({ reason }) => !/^(no numbers of floating point|a single number)/.test(reason))
      .map(({ name, reason }) => [name, reason]),
  );

const STATISTICS = {
  mean: 'a running mean, which training computes',
  variance: 'a running variance, which training computes',
};
const POWER = 'a vector of a power iteration, which a spectral norm keeps';
const PLAIN_NORM = 'ones or zeros of a norm that has no parameters';
const PATTERN = 'computed, not learned: its elements follow a pattern';

interface Expected {
  readonly parameters: number;
  readonly nodes?: readonly string[];
  readonly origins?: Readonly<Record<string, string>>;
  readonly constants?: Readonly<Record<string, string>>;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  'attention-with-zeros': { parameters: 4519, constants: {} },
  'constant-of-shape': { parameters: 160, nodes: ['conv w [8,16] <- input', 'conv w2 [4,8] <- w'] },
  'conv1d-rms': {
    parameters: 1029,
    origins: {
      scale: '32 ones',
      'c.bias': `32 uniform ${1 / Math.sqrt(24)}`,
      'onnx::Mul_25': 'norm_weight of onnx::Mul_25',
    },
    constants: {},
  },
  conv3d: { parameters: 701, constants: {} },
  'copied-layers': { parameters: 824 },
  'copied-layers-dynamo': { parameters: 736 },
  'einsum-heads': {
    parameters: 4608,
    origins: { q: '64 uniform 0.125', 'i.w': 'matrix of i.w (classifier)' },
  },
  'einsum-out-in': { parameters: 5157, origins: { w: 'matrix of w', b: 'bias of b' }, constants: {} },
  'folded-norms': { parameters: 2524 },
  'folded-norms-dynamo': { parameters: 2460, constants: {} },
  'frozen-batch-norm': {
    parameters: 860,
    origins: {
      'm.weight': 'norm_weight of m.weight',
      'm.bias': 'bias of m.weight',
      'n.bias': 'bias of n.weight',
    },
    constants: {
      'n.running_mean': STATISTICS.mean,
      'n.running_var': STATISTICS.variance,
      'm.running_mean': STATISTICS.mean,
      'm.running_var': STATISTICS.variance,
    },
  },
  'fused-gemm': { parameters: 3405, constants: {} },
  'group-norms': {
    parameters: 853,
    constants: {
      'j.running_mean': STATISTICS.mean,
      'j.running_var': STATISTICS.variance,
      'onnx::Mul_61': PLAIN_NORM,
      'onnx::Add_62': PLAIN_NORM,
    },
  },
  'group-norms-dynamo': {
    parameters: 845,
    constants: {
      'j.running_mean': STATISTICS.mean,
      'j.running_var': STATISTICS.variance,
      val_22: 'ones or zeros inside a group norm',
      val_25: 'ones or zeros inside a group norm',
      val_35: PLAIN_NORM,
      val_37: PLAIN_NORM,
    },
  },
  'instance-norm': { parameters: 844, constants: {} },
  'joined-weights': {
    parameters: 480,
    nodes: [
      'conv a [8,16] <- input',
      'conv b [8,16] <- input',
      'conv c [8,16] <- input',
      'conv w2 [4,24] <- a + b + c',
    ],
  },
  'keras-conv1d': {
    parameters: 2949,
    origins: {
      'onnx::Add_104': `1 uniform ${1 / 3}`,
      'onnx::Mul_132': 'norm_weight of onnx::Mul_132',
      'onnx::Add_126': 'bias of onnx::Mul_132',
    },
    constants: { 'onnx::Sub_123': STATISTICS.mean },
  },
  'keras-einsum': {
    parameters: 4357,
    origins: {
      'onnx::Einsum_30': `32 uniform ${1 / Math.sqrt(32)}`,
      'onnx::Add_31': `4 uniform ${1 / Math.sqrt(32)}`,
      'onnx::Einsum_32': '4 uniform 0.125',
      'onnx::Add_33': '32 uniform 0.125',
    },
    constants: {},
  },
  'kernel-hwio': {
    parameters: 260,
    nodes: [
      'conv k [8,3,3,3] <- input',
      'bias b [8] <- k',
      'glob_avg p <- b',
      'conv d [4,8] <- p',
      'bias db [4] <- d',
    ],
  },
  'kernel-hwio-bias-added': { parameters: 256, origins: { b: 'bias of b', k: 'matrix of k' } },
  'local-function': {
    parameters: 168,
    nodes: ['conv w [8,16] <- input', 'bias b [8] <- w', 'conv w2 [4,8] <- b'],
  },
  'lstm-zero-states': { parameters: 1568, constants: { h0: 'an initial state', c0: 'an initial state' } },
  'mel-bank': {
    parameters: 1045,
    constants: {
      mel: 'computed, not learned: what the input is multiplied with before any layer',
      mean: "taken from the network's input",
      std: "scales or shifts the network's input",
    },
  },
  'norms-and-tokens': { parameters: 2053, origins: { cls: '1 zeros' }, constants: { pe: PATTERN } },
  'norms-and-tokens-dynamo': {
    parameters: 2021,
    constants: { pe: PATTERN, expand: 'one number throughout, under a name that no parameter has' },
  },
  'positions-fixed': { parameters: 404 },
  'positions-fixed-dynamo': {
    parameters: 404,
    nodes: [
      'pos_enc tokens.weight [20,8] <- input',
      'pos_enc embedding_1 [6,8] <- input',
      'sum node_add <- tokens.weight + embedding_1',
      'ln norm.weight [8] <- node_add',
      'conv val_8 [20,8] <- norm.weight',
      'bias head.bias [20] <- val_8',
    ],
    origins: { embedding_1: 'embedding of embedding_1' },
    constants: {},
  },
  'positions-on-input': {
    parameters: 8896,
    nodes: [
      'pos_enc pos [1,32,4,4]',
      'sum /Add <- input + pos',
      'rmsnorm onnx::Mul_36 [32] <- /Add',
      'conv onnx::MatMul_37 [128,32] <- onnx::Mul_36',
      'bias a.bias [128] <- onnx::MatMul_37',
      'conv onnx::MatMul_38 [32,128] <- a.bias',
      'bias b.bias [32] <- onnx::MatMul_38',
      'sum /Add_2 <- /Add + b.bias',
    ],
    constants: {},
  },
  projections: { parameters: 1120 },
  'projections-bare-onnxsim': {
    parameters: 1072,
    origins: { _v_123: 'matrix of _v_123, matrix of _v_123#2 slot 1, matrix of _v_123#3 slot 2' },
  },
  'projections-fused-onnxsim': {
    parameters: 1072,
    origins: {
      'onnx::MatMul_88':
        'matrix of onnx::MatMul_88, matrix of onnx::MatMul_88 slot 1, matrix of onnx::MatMul_88 slot 2',
    },
  },
  'projections-onnxsim': {
    parameters: 1120,
    origins: {
      _v_121: 'matrix of _v_121, matrix of _v_121#2 slot 1, matrix of _v_121#3 slot 2',
      'key.bias': 'bias of key.bias slot 1',
    },
    constants: {},
  },
  quantised: {
    parameters: 3405,
    origins: {
      'a.weight_quantized': 'matrix of a.weight_quantized',
      'a.bias_quantized': 'bias of a.bias_quantized',
    },
  },
  recurrent: { parameters: 25138, constants: {} },
  'reused-layer': { parameters: 1604, constants: {} },
  'skip-layer-norm': {
    parameters: 352,
    nodes: ['conv w [16,16] <- input', 'sum s/0 <- input + w', 'ln g [16] <- s/0', 'conv w2 [4,16] <- g'],
  },
  'sklearn-classifier': { parameters: 5043, origins: { intercepts: 'bias of intercepts' } },
  'spectral-norm': {
    parameters: 1165,
    constants: {
      'a.weight_u': POWER,
      'a.weight_v': POWER,
      'c.weight_u': POWER,
      'c.weight_v': POWER,
      'onnx::MatMul_49': 'a copy of "c.weight_orig"',
    },
  },
  'stem-conv1d': {
    parameters: 976,
    nodes: ['pos_enc pos [1,16,4,4]', 'sum p <- input + pos', 'conv fc.w [16,16] <- p', 'sum y <- p + fc.w'],
    constants: {},
  },
  'trained-layers': { parameters: 1360 },
  'trained-layers-dynamo': { parameters: 1360 },
  'transposed-linear': { parameters: 3405, constants: {} },
  'unfolded-norms-dynamo': { parameters: 2548 },
  'weight-norms-dynamo': { parameters: 4933, constants: {} },
  'weights-as-inputs': {
    parameters: 260,
    origins: { conv1_W: 'matrix of conv1_W', conv1_B: 'bias of conv1_B' },
  },
};

test('every file has its expectation', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual([...files].sort());
});

test.each(Object.entries(EXPECTED))('%s', async (name, expected) => {
  const graph = await sent(name);
  expect(parameters(graph)).toBe(expected.parameters);
  if (expected.nodes) expect(described(graph)).toEqual(expected.nodes);
  if (expected.origins) expect(origins(graph)).toMatchObject(expected.origins);
  if (expected.constants) expect(constants(graph)).toEqual(expected.constants);
});

test.each(files)('%s is the same network where the server sees the data itself', async (name) => {
  const bytes = readFileSync(join(CASES, `${name}.onnx`));
  expect(read(bytes)).toEqual(await sent(name));
});

test.each(files)('%s is the same network where every tensor is a Constant', async (name) => {
  const [ours, theirs] = [await sent(name), read(asConstants(readFileSync(join(CASES, `${name}.onnx`))))];
  expect(described(theirs)).toEqual(described(ours));
  const byName = ({ parameters: all }: ArchitectureGraph): object =>
    Object.fromEntries(all.map((parameter) => [parameter.name, parameter]));
  expect(byName(theirs)).toEqual(byName(ours));
  expect(constants(theirs)).toMatchObject(constants(ours));
});

test('matrices that are multiplied from the right are those of the layers, whose weights are [out, in]', async () => {
  const { parameters: all } = await sent('transposed-linear');
  const linear = all.filter(({ name }) => name.startsWith('onnx::MatMul'));
  expect(linear.map(({ shape, layout }) => [shape, layout])).toEqual([
    [[20, 80], { order: [1, 0], shape: [80, 20] }],
    [[80, 20], { order: [1, 0], shape: [20, 80] }],
    [[20, 5], { order: [1, 0], shape: [5, 20] }],
  ]);
});

test('projections that onnxsim has joined are the layers that they were', async () => {
  const nodes = async (name: string): Promise<string[]> =>
    described(await sent(name))
      .map((node) => node.replace(/(onnx::\w+|_v_\d+(#\d)?|query|key|value)/g, 'p'))
      .sort();
  expect(await nodes('projections-onnxsim')).toEqual(await nodes('projections'));
});

describe('what the names of tensors do not tell is warned of', () => {
  const warned = async (name: string): Promise<string[]> =>
    ((await sent(name)).warnings ?? []).map(({ kind, text }) => `${kind}: ${text}`);

  it('vectors that exporters have merged', async () => {
    expect(await warned('norms-and-tokens-dynamo')).toEqual([
      expect.stringMatching(
        /^merged: several layers read "m\.weight", "m\.bias", all of whose elements are equal/,
      ),
    ]);
  });

  it("copies of a layer in an untrained network, which torch's own encoder is made of", async () => {
    expect(await warned('copied-layers-dynamo')).toEqual([
      expect.stringMatching(
        /^merged: several layers read .* and "encoder\.layers\.0\.self_attn\.out_proj\.weight", .* copies of one layer/,
      ),
    ]);
    expect(await warned('copied-layers')).toEqual([
      expect.stringMatching(
        /^merged: equal values under two names are one parameter here: .*"encoder\.layers\.0\.linear1\.bias" and "encoder\.layers\.1\.linear1\.bias"/,
      ),
    ]);
  });

  it('batch norms that the dynamo exporter folded into layers with a bias and without, of every kind', async () => {
    const { warnings } = await sent('folded-norms-dynamo');
    expect(warnings).toEqual([
      {
        kind: 'folded',
        tensors: '"stem.weight", "second.weight", "up.weight", "dense.weight", "last.weight"',
        text: expect.stringMatching(/export it with optimize=False$/) as string,
      },
    ]);
  });

  it.each([
    ['folded-norms', 'which the other exporter gives names of its own'],
    ['unfolded-norms-dynamo', 'norms beside their layers'],
    ['trained-layers', 'a head that shares its table, from TorchScript'],
    ['trained-layers-dynamo', 'a head that shares its table, from dynamo'],
    ['reused-layer', 'a layer that is used three times'],
    ['conv3d', 'convolutions that never had a norm'],
  ])('but not of %s: %s', async (name) => {
    expect(await warned(name)).toEqual([]);
  });

  it('and not of what ships with the examples', async () => {
    for (const example of ['gpt2-kjv', 'vit-fashion']) {
      const path = join(__dirname, '../../../examples', example, 'forward.onnx');
      const { warnings } = architectureGraph(received(await onnxArchitecture(path)), generousLimits);
      expect(warnings).toEqual([]);
    }
  });
});

test('what the data shows is what both clients say of it', () => {
  const seen = Object.fromEntries(
    files.map((name) => [name, tensorContents(memorySource(readFileSync(join(CASES, `${name}.onnx`))))]),
  );
  if (process.env.UPDATE_ONNX_CONTENTS === '1') writeFileSync(CONTENTS, `${JSON.stringify(seen, null, 1)}\n`);
  expect(JSON.parse(JSON.stringify(seen))).toEqual(JSON.parse(readFileSync(CONTENTS, 'utf8')));
});
