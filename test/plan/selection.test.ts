import fc from 'fast-check';
import { matches, NameSelection } from '../../src/plan/selection';
import { refusalOf } from '../support/refusal';

/** The same language as a regular expression. */
function oracle(pattern: string): RegExp {
  const source = pattern
    .split('')
    .map((c) => (c === '*' ? '[^]*' : c === '?' ? '[^]' : c.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`);
}

describe('a pattern', () => {
  it('matches whole names, * for any run of characters and ? for one', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '[', '\n'), maxLength: 8 });
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '.', '[', '*', '?'), maxLength: 6 });
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        expect(matches(pattern, name)).toBe(oracle(pattern).test(name));
      }),
      { numRuns: 3000 },
    );
  });

  it('of many stars stays cheap', () => {
    expect(matches(`${'*a'.repeat(128)}b`, 'a'.repeat(256))).toBe(false);
  });

  it('takes a character beyond the basic plane for one', () => {
    expect(matches('a?c', 'a😀c')).toBe(true);
    expect(matches('a??c', 'a😀c')).toBe(false);
  });
});

describe('a selection', () => {
  it('that would take hours is refused within seconds', async () => {
    const patterns = new Array<string>(256).fill(`*${'a'.repeat(127)}b`);
    const names = Array.from({ length: 20_000 }, (_, index) => `${'a'.repeat(250)}${index}`);
    const error = await refusalOf(() => NameSelection.of(patterns).select(names));
    expect(error.violations).toEqual([
      {
        field: 'selection.patterns',
        description: 'need more than 50000000 comparisons of characters; fewer stars need less',
      },
    ]);
  });

  const names = ['a.weight', 'a.bias', 'b.weight', 'c', 'd', 'e', 'f'];

  it('selects each name that one of its patterns matches', () => {
    expect([...NameSelection.of(['*.weight', '?.bias']).select(names)]).toEqual([
      'a.weight',
      'a.bias',
      'b.weight',
    ]);
  });

  it('of everything selects every name', () => {
    expect(NameSelection.all.select(names).size).toBe(names.length);
  });

  it.each([
    [[], 'selection.patterns', 'has 0 patterns; 1 to 256 are allowed'],
    [new Array<string>(257).fill('a'), 'selection.patterns', 'has 257 patterns; 1 to 256 are allowed'],
    [['a', ''], 'selection.patterns[1]', 'has 0 characters; 1 to 256 are allowed'],
    [['a'.repeat(257)], 'selection.patterns[0]', 'has 257 characters; 1 to 256 are allowed'],
  ])('of wrong patterns is refused', async (patterns, field, description) => {
    const error = await refusalOf(() => NameSelection.of(patterns));
    expect(error.violations).toEqual([{ field, description }]);
  });

  it('that selects nothing is refused, with some of the names there are', async () => {
    const error = await refusalOf(() => NameSelection.of(['x*', 'y']).select(names));
    expect(error.violations).toEqual([
      {
        field: 'selection.patterns',
        description:
          '"x*", "y" match none of the 7 tensors: "a.weight", "a.bias", "b.weight", "c", "d" and 2 more',
      },
    ]);
  });
});
