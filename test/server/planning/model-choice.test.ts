import type { Bundle } from '../../../src/hypernet/bundle';
import { ModelChoice } from '../../../src/server/planning/model-choice';
import { manifest } from '../../support/hypernet-config';
import { refusalOf } from '../../support/refusal';

const bundle = (name: string, ...families: string[]): [string, Bundle] => [
  name,
  {
    manifest: manifest({ name, families }),
    directory: `/models/${name}`,
    fingerprint: '',
    expansion: undefined,
  },
];
const bundles = new Map([bundle('a', 'gpt2'), bundle('b', 'vit', 'gpt2'), bundle('c')]);

describe('the model', () => {
  it.each([
    { name: 'c', family: 'vit', chosen: 'c' },
    { name: '', family: 'vit', chosen: 'b' },
    { name: '', family: 'gpt2', chosen: 'a' },
    { name: '', family: 'llama', chosen: 'c' },
    { name: '', family: '', chosen: 'c' },
  ])('for name "$name" and family "$family" is $chosen', ({ name, family, chosen }) => {
    expect(new ModelChoice(bundles, 'c').choose(name, family).manifest.name).toBe(chosen);
  });

  it('is the first by name where none is the default', () => {
    expect(new ModelChoice(bundles, '').defaultModel).toBe('a');
  });

  it('is the one whose manifest says so where the server is not told', () => {
    const meant = new Map(bundles);
    for (const { manifest, ...rest } of [bundles.get('b')].flatMap((found) => found ?? [])) {
      meant.set('b', { ...rest, manifest: { ...manifest, default: true } });
    }
    expect(new ModelChoice(meant, '').defaultModel).toBe('b');
    expect(new ModelChoice(meant, 'c').defaultModel).toBe('c');
  });

  it('that is not there is refused, listing those there are', async () => {
    const error = await refusalOf(() => new ModelChoice(bundles, '').choose('nope', ''));
    expect(error).toMatchObject({
      kind: 'not_found',
      message:
        'model is "nope"; there are: a, b, c; built-in starts: default, mup_orthogonal, orthogonal, small, torchtitan',
      violations: [
        {
          field: 'model',
          description:
            'is "nope"; there are: a, b, c; built-in starts: default, mup_orthogonal, orthogonal, small, torchtitan',
        },
      ],
    });
  });

  it('that shall be the default must be there', async () => {
    const error = await refusalOf(() => new ModelChoice(bundles, 'd'));
    expect(error).toMatchObject({
      kind: 'failed_precondition',
      message: '--default-model is d; there are: a, b, c',
    });
  });
});
