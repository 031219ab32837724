import fc from 'fast-check';
import { loggable, LOGGED, quoted, visible } from '../src/untrusted-text';

describe('text that others chose', () => {
  it('is quoted in at most 80 characters, however long it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.anything()), (value) => {
        expect(quoted(value).length).toBeLessThanOrEqual(400);
      }),
    );
    expect(quoted('x'.repeat(1 << 24))).toHaveLength(80);
  });

  it.each([
    ['a mark of direction', 'safe\u202etxt.exe', '"safe\\u202etxt.exe"'],
    ['a line break', 'a\nb', '"a\\nb"'],
    ['a separator of lines', 'a\u2028b', '"a\\u2028b"'],
    ['an escape of a terminal', 'a\u001b[2Jb', '"a\\u001b[2Jb"'],
    ['a space without width', 'a\u200bb', '"a\\u200bb"'],
    ['a tag beyond the first plane', 'a\u{e0041}b', '"a\\u{e0041}b"'],
    ['half of a pair', 'a\ud800b', '"a\\ud800b"'],
    ['an emoji', 'a😀b', '"a😀b"'],
  ])('shows %s', (_, value, shown) => {
    expect(quoted(value)).toBe(shown);
    expect(quoted([value])).toBe(`[${shown}]`);
  });

  it('has nothing hidden in a log, and no more than so many characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
    expect(loggable('\u202e'.repeat(1 << 20))).toHaveLength(LOGGED);
  });
});
