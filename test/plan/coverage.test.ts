import fc from 'fast-check';
import { coverageOf, coverageWarnings, moduleCoverage, type Coverage } from '../../src/plan/coverage';
import type { Source } from '../../src/plan/plan-tensor';

const tensor = (name: string, elements: number, source: Source = 'predicted') => ({
  name,
  shape: [elements],
  source,
  predictedElements: source === 'predicted' ? elements : 0,
  tiledElements: 0,
  initializedElements: source === 'initialized' ? elements : 0,
});
const names = (tensors: readonly ReturnType<typeof tensor>[]): string[] =>
  moduleCoverage(tensors).map(({ name }) => name);

describe('the parts of a network', () => {
  it('are towers and heads, not the layers of a list', () => {
    const layers = (tower: string, size: number) =>
      [0, 1].map((layer) => tensor(`${tower}.layers.${layer}.weight`, size));
    expect(
      names([
        tensor('model.text.embed.weight', 10),
        ...layers('model.text', 40),
        ...layers('model.vision', 45),
        tensor('lm_head.weight', 5),
      ]),
    ).toEqual(['model.text', 'model.vision', 'lm_head']);
  });

  it('are split as long as one of them is more than half of the network', () => {
    expect(
      names([
        tensor('model.embed.weight', 10),
        tensor('model.layers.0.weight', 60),
        tensor('model.layers.1.weight', 60),
        tensor('model.norm.weight', 1),
        tensor('scale', 1),
      ]),
    ).toEqual(['model.embed', 'model.layers', 'model.norm', 'scale']);
  });

  it('are whole tensors where names end', () => {
    expect(names([tensor('weight', 9), tensor('bias', 1)])).toEqual(['weight', 'bias']);
  });

  it('are at most 32, the smallest of more together, and are all of the network', () => {
    const segment = fc.constantFrom('a', 'b', 'c', '0', '1');
    const source = fc.constantFrom<Source>('predicted', 'initialized', 'kept', 'tied');
    const anyTensor = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.nat({ max: 50 }), source)
      .map(([path, elements, from]) => tensor(path.join('.'), elements, from));
    const many = fc.array(anyTensor, { minLength: 1, maxLength: 60 });
    const wide = fc
      .array(fc.nat({ max: 50 }), { minLength: 33, maxLength: 60 })
      .map((sizes) => sizes.map((size, index) => tensor(`module${index}.weight`, size)));
    fc.assert(
      fc.property(fc.oneof(many, wide), (tensors) => {
        const parts = moduleCoverage(tensors);
        expect(parts.length).toBeLessThanOrEqual(32);
        expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length);
        const whole = coverageOf(tensors);
        for (const origin of Object.keys(whole) as (keyof Coverage)[]) {
          expect(parts.reduce((sum, { coverage }) => sum + coverage[origin], 0)).toBe(whole[origin]);
        }
      }),
    );
  });
});

describe('a warning', () => {
  const warned = (tensors: readonly ReturnType<typeof tensor>[], ...meant: string[]): string[] =>
    coverageWarnings(tensors, moduleCoverage(tensors), new Set(meant)).map(({ text }) => text);

  it('names a tower of which less than half is predicted, though most of the network is', () => {
    const tensors = [
      tensor('text.weight', 900),
      tensor('vision.weight', 60, 'initialized'),
      tensor('vision.bias', 20, 'kept'),
      tensor('vision.norm', 20),
    ];
    expect(warned(tensors)).toEqual([
      'vision: 20.0 % of 100 parameters are predicted, 60 are filled by rule and 20 are kept as they are',
    ]);
  });

  it('does not come of what the caller meant to keep, nor of parts below one percent', () => {
    const tensors = [
      tensor('text.weight', 990),
      tensor('frozen.weight', 100, 'kept'),
      tensor('scale', 1, 'initialized'),
    ];
    expect(warned(tensors, 'frozen.weight')).toEqual([]);
    expect(warned(tensors)).toHaveLength(1);
  });
});
