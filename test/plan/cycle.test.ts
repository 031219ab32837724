import fc from 'fast-check';
import { cycleOf, decodedEntry } from '../../src/plan/cycle';

const size = fc.integer({ min: 1, max: 40 });

describe('the entries of a dimension', () => {
  it('repeat those of a base, each of which is one of those decoded', () => {
    fc.assert(
      fc.property(size, size, size, fc.nat(60), (period, copies, decoded, start) => {
        const wide = period * copies;
        const cycle = cycleOf(wide, start, period, decoded);
        for (let index = 0; index < wide; index++) {
          expect(decodedEntry(index, decoded, cycle)).toBe((start + (index % period)) % decoded);
        }
      }),
    );
  });

  it('need no cycle where all of what is decoded repeats, and one where a part does', () => {
    expect(cycleOf(64, 0, 32, 32)).toBeUndefined();
    expect(cycleOf(64, 0, 32, 16)).toBeUndefined();
    expect(cycleOf(32, 0, 32, 20)).toBeUndefined();
    expect(cycleOf(64, 0, 32, 20)).toEqual({ start: 0, period: 32 });
    expect(cycleOf(64, 32, 32, 96)).toEqual({ start: 32, period: 32 });
  });
});
