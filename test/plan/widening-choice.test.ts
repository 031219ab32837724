import { readNetwork, type Network } from '../../src/architecture';
import type { Manifest } from '../../src/hypernet/manifest';
import { chooseWidening, type WideningChoice } from '../../src/plan/widening-choice';
import { generousLimits, violations } from '../architecture/requests';
import { linearGraph } from '../graph/sample-graphs';
import { manifest } from '../support/hypernet-config';

const trainedOn = (family: string, ranges: Record<string, [number, number]>): Manifest =>
  manifest({ training: { ranges: { [family]: ranges } } });

const VIT = trainedOn('vit', {
  hidden_size: [32, 192],
  num_attention_heads: [1, 24],
  intermediate_size: [64, 768],
  num_hidden_layers: [2, 6],
});

const network = (config: object): Network =>
  readNetwork({ transformersConfig: Buffer.from(JSON.stringify(config)) }, generousLimits);

const vit = (width: number, heads: number, hidden = 4 * width): Network =>
  network({
    model_type: 'vit',
    hidden_size: width,
    num_attention_heads: heads,
    intermediate_size: hidden,
    num_hidden_layers: 12,
  });

const copiesOf = ({ widening, warnings }: WideningChoice): number | string =>
  warnings.length > 0 ? warnings.map(({ text }) => text).join() : (widening?.copies ?? 1);

describe('the number of copies', () => {
  it.each([
    { model_type: 'bloom' },
    { model_type: 't5' },
    { model_type: 'gemma' },
    { model_type: 'distilbert', sinusoidal_pos_embds: true },
  ])('is refused above 1 where nothing says what copies multiply: %j', (config) => {
    expect(violations(() => chooseWidening(network(config), VIT, 2))).toEqual([
      {
        field: 'copies',
        description:
          `is 2; at most 1 is allowed for this "${config.model_type}" network, of which no sizes are known that copies ` +
          'multiply; with 1, or without a number, it is predicted as it is. Networks that can be made of copies are ' +
          'those of bert, camembert, deit, distilbert, electra, gpt2, gpt_neox, llama, mistral, opt, qwen2, ' +
          'qwen3, roberta, vit, xlm-roberta',
      },
    ]);
    expect(copiesOf(chooseWidening(network(config), VIT, 1))).toBe(1);
  });

  it('is listed in order, whichever of them is chosen, and not at all for what is not made of copies', () => {
    const possible = [2, 3, 4, 6, 12];
    for (const copies of [undefined, 1, 3]) {
      expect(chooseWidening(vit(768, 12), VIT, copies).possible).toEqual(possible);
    }
    expect(chooseWidening(network({ model_type: 'bloom' }), VIT, undefined).possible).toEqual([]);
  });

  it('is by itself the smallest that brings every width into what the model was trained on', () => {
    expect(copiesOf(chooseWidening(vit(768, 12), VIT, undefined))).toBe(4);
    expect(copiesOf(chooseWidening(vit(384, 6), VIT, undefined))).toBe(2);
    // The hidden layer needs more than the width does, and 3 is the next that divides the heads.
    expect(copiesOf(chooseWidening(vit(384, 6, 2304), VIT, undefined))).toBe(3);
    // 32 heads, of any width.
    expect(copiesOf(chooseWidening(vit(192, 32), VIT, undefined))).toBe(2);
  });

  it('is 1 within training, whatever the other sizes are', () => {
    expect(chooseWidening(vit(192, 3), VIT, undefined)).toEqual({
      widening: undefined,
      possible: [3],
      warnings: [],
    });
  });

  it('is 1 for models without recorded training and families that the model never saw', () => {
    expect(copiesOf(chooseWidening(vit(768, 12), manifest(), undefined))).toBe(1);
    const gpt2 = trainedOn('gpt2', { hidden_size: [32, 192] });
    expect(copiesOf(chooseWidening(vit(768, 12), gpt2, undefined))).toBe(1);
  });

  it('is 1 for a graph, which does not say what of it is a width', () => {
    const graph = linearGraph({ family: 'vit', sizes: { hidden_size: 768 } });
    expect(copiesOf(chooseWidening({ graph }, VIT, undefined))).toBe(1);
  });

  it('is 1 with a warning that says why, where no number helps', () => {
    expect(chooseWidening(vit(250, 1), VIT, undefined).warnings).toEqual([
      {
        kind: 'widening',
        field: 'copies',
        actual: 'hidden_size 250, num_attention_heads 1 and intermediate_size 1000',
        trained: 'hidden_size 32 to 192, num_attention_heads 1 to 24 and intermediate_size 64 to 768',
        text:
          'copies 1: no number of copies brings hidden_size 250, num_attention_heads 1 and intermediate_size 1000 into ' +
          'what model tiny was trained on, hidden_size 32 to 192, num_attention_heads 1 to 24 and intermediate_size 64 ' +
          'to 768',
      },
    ]);
  });

  it('is 1 with the reason where the network cannot be made of copies', () => {
    const opt = {
      model_type: 'opt',
      hidden_size: 256,
      num_attention_heads: 4,
      ffn_dim: 512,
      num_hidden_layers: 1,
      layer_norm_elementwise_affine: false,
    };
    const trained = trainedOn('opt', { hidden_size: [32, 192] });
    expect(copiesOf(chooseWidening(network(opt), trained, undefined))).toMatch(
      /^copies 1: the network cannot be made of copies that model tiny was trained on: copies is 2; at most 1 is/,
    );
  });

  it('is the one asked for, also within training and without any', () => {
    expect(copiesOf(chooseWidening(vit(128, 4), VIT, 4))).toBe(4);
    expect(copiesOf(chooseWidening(vit(768, 12), VIT, 1))).toBe(1);
    expect(copiesOf(chooseWidening(vit(768, 12), manifest(), 3))).toBe(3);
  });

  it('must divide the widths and the heads', () => {
    expect(violations(() => chooseWidening(vit(768, 12), VIT, 8))).toEqual([
      {
        field: 'copies',
        description:
          'is 8; what divides hidden_size 768, num_attention_heads 12 and intermediate_size 3072 is allowed: ' +
          '1, 2, 3, 4, 6, 12',
      },
    ]);
    const grouped = network({ model_type: 'llama', num_key_value_heads: 2 });
    expect(violations(() => chooseWidening(grouped, VIT, 4))[0]?.description).toContain(
      'num_key_value_heads 2',
    );
    // Not by itself either.
    expect(copiesOf(chooseWidening(network({ model_type: 'bloom' }), VIT, undefined))).toBe(1);
    expect(violations(() => chooseWidening({ graph: linearGraph() }, VIT, 2))).toEqual([
      { field: 'copies', description: expect.stringContaining('at most 1 is allowed for a graph') as string },
    ]);
  });
});
