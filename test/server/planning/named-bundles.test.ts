import type { Bundle } from '../../../src/hypernet/bundle';
import { matching, namedBundles } from '../../../src/server/planning/named-bundles';
import { ModelChoice } from '../../../src/server/planning/model-choice';
import { manifest } from '../../support/hypernet-config';
import { refusalOf } from '../../support/refusal';
import { EVERYTHING } from '../../../src/server/security/scopes';

const bundle = (name: string, digits: string): Bundle => ({
  manifest: manifest({ name, families: [name] }),
  directory: `/models/${name}-${digits}`,
  fingerprint: digits.repeat(16),
  expansion: undefined,
});
const first = bundle('m', 'aaa1');
const second = bundle('m', 'bbb2');
const other = bundle('other', 'ccc3');

function choice(bundles: readonly Bundle[], aliases: Record<string, string> = {}, defaultModel = '') {
  const map = new Map(Object.entries(aliases));
  return new ModelChoice(namedBundles(bundles, map), defaultModel, map);
}

describe('bundles', () => {
  it('are sorted by name', () => {
    expect([...namedBundles([other, first], new Map()).keys()]).toEqual(['m', 'other']);
  });

  it('of one name need an alias that says which answers to it', async () => {
    const error = await refusalOf(() => namedBundles([first, second], new Map()));
    expect(error).toMatchObject({
      kind: 'failed_precondition',
      message:
        '/models/m-aaa1 and /models/m-bbb2 are both named m; an alias m must say which answers to it: ' +
        'm@aaa1aaa1aaa1, m@bbb2bbb2bbb2',
    });
    const named = namedBundles([first, second, other], new Map([['m', 'm@bbb2']]));
    expect([...named.keys()]).toEqual(['m', 'm@aaa1aaa1aaa1', 'other']);
    expect(named.get('m')).toBe(second);
  });

  it('that are the same are refused', async () => {
    const error = await refusalOf(() => namedBundles([first, { ...first, directory: '/copy' }], new Map()));
    expect(error.message).toBe(
      '/models/m-aaa1 and /copy are both named m, and are the same; names or files must differ',
    );
  });

  it('have aliases that lead to one of them', async () => {
    const missing = await refusalOf(() => namedBundles([first], new Map([['stable', 'm@0000']])));
    expect(missing.message).toBe('the alias stable stands for m@0000; there are: m');
    const taken = await refusalOf(() => namedBundles([first, other], new Map([['m', 'other']])));
    expect(taken.message).toBe('the alias m stands for other; a model has that name itself');
  });
});

describe('a reference', () => {
  const bundles = namedBundles([first, second], new Map([['m', 'm@aaa1']]));

  it.each([
    ['m', [first]],
    ['m@aaa1', [first]],
    ['m@bbb2bb', [second]],
    ['m@bbb2bbb2bbb2', [second]],
    [`m@${second.fingerprint}`, [second]],
    ['m@bbb', []],
    ['m@BBB2', []],
    ['other@bbb2', []],
    ['m@', []],
    ['', []],
  ])('%j means what it names exactly', (reference, found) => {
    expect(matching(bundles, reference)).toEqual(found);
  });
});

describe('the choice of a model', () => {
  it('follows aliases', () => {
    const models = choice([first, second, other], { m: 'm@bbb2', stable: 'm@aaa1', default: 'other' });
    expect(models.choose('m', '')).toBe(second);
    expect(models.choose('stable', '')).toBe(first);
    expect(models.choose('m@aaa1', '')).toBe(first);
    expect(models.choose('default', '')).toBe(other);
    expect(models.choose('', 'm')).toBe(second);
    expect(models.choose('', 'unknown')).toBe(other);
  });

  it('has the default that the server is told before that of an alias', () => {
    expect(choice([first, other], { default: 'other' }).defaultModel).toBe('other');
    expect(choice([first, other], { default: 'other' }, 'm').defaultModel).toBe('m');
    expect(choice([first, other], {}, 'm@aaa1').choose('', 'unknown')).toBe(first);
  });

  it('finds the expansion of any model of that name', () => {
    const withExpansion = { ...first, expansion: { path: '/expansion', sha256: 'e' } };
    const models = choice([withExpansion, second], { m: 'm@bbb2' });
    expect(models.expansion('m', 'e', EVERYTHING).path).toBe('/expansion');
  });
});
