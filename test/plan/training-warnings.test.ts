import { trainingWarnings } from '../../src/plan/training-warnings';
import { linearGraph } from '../graph/sample-graphs';
import { manifest } from '../support/hypernet-config';

const trained = manifest({
  training: {
    ranges: {
      vit: { hidden_size: [32, 192], num_hidden_layers: [2, 6], patch_size: [4, 4] },
      gpt2: { hidden_size: [64, 256], n_layer: [1, 2] },
    },
  },
});

const warn = (family: string, sizes: Record<string, number>) =>
  trainingWarnings(linearGraph({ family, sizes }), trained);

describe('a warning', () => {
  it('is not given within the ranges of training, both ends included', () => {
    expect(warn('vit', { hidden_size: 32, num_hidden_layers: 6, patch_size: 4 })).toEqual([]);
  });

  it('names a size outside the range, what was asked for and what was trained', () => {
    expect(warn('vit', { hidden_size: 193, num_hidden_layers: 1, patch_size: 5 })).toMatchObject([
      { kind: 'range', field: 'hidden_size', actual: '193', trained: '32 to 192' },
      { kind: 'range', field: 'num_hidden_layers', actual: '1', trained: '2 to 6' },
      { kind: 'range', field: 'patch_size', actual: '5', trained: '4' },
    ]);
    expect(warn('vit', { hidden_size: 193 })[0]?.text).toBe(
      'hidden_size 193: model tiny was trained on 32 to 192',
    );
  });

  it('names a size that training never had', () => {
    expect(warn('vit', { num_channels: 3 })).toEqual([
      {
        kind: 'range',
        field: 'num_channels',
        actual: '3',
        trained: 'never',
        text: 'num_channels 3: model tiny was never trained with one',
      },
    ]);
  });

  it('names a family that the model never saw, and compares sizes with all ranges together', () => {
    expect(warn('llama', { hidden_size: 256, n_layer: 3 })).toMatchObject([
      { kind: 'family', field: 'family', actual: 'llama', trained: 'gpt2, vit' },
      { kind: 'range', field: 'n_layer', actual: '3', trained: '1 to 2' },
    ]);
    expect(warn('', {})).toMatchObject([{ kind: 'family', actual: 'none' }]);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'is given of the family "%s", which every object has a member of',
    (family) => {
      expect(warn(family, {})).toMatchObject([
        {
          kind: 'family',
          field: 'family',
          actual: family,
          trained: 'gpt2, vit',
          text: `family ${family}: model tiny was trained on gpt2, vit`,
        },
      ]);
      expect(warn('vit', { [family]: 3 })).toMatchObject([
        { kind: 'range', field: family, trained: 'never' },
      ]);
    },
  );

  it('compares sizes with all ranges together, whatever they are called', () => {
    const odd = manifest({
      training: { ranges: { vit: { constructor: [1, 2] }, gpt2: { constructor: [2, 4], toString: [1, 1] } } },
    });
    const graph = linearGraph({ family: 'llama', sizes: { constructor: 5, toString: 1 } });
    expect(trainingWarnings(graph, odd)).toMatchObject([
      { kind: 'family', actual: 'llama', trained: 'gpt2, vit' },
      { kind: 'range', field: 'constructor', actual: '5', trained: '1 to 4' },
    ]);
  });

  it('says of a model without recorded training just that', () => {
    expect(trainingWarnings(linearGraph({ sizes: { hidden_size: 9 } }), manifest())).toMatchObject([
      { kind: 'untrained', field: 'model', actual: 'tiny', trained: '' },
    ]);
  });
});
