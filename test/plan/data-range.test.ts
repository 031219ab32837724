import { LogahError } from '../../src/errors';
import { dataRange } from '../../src/plan/data-range';

const failure = (work: () => unknown): LogahError => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(LogahError);
    return error as LogahError;
  }
  throw new Error('nothing was thrown');
};

describe('the part of the data that is sent', () => {
  it('is all of it where the request names none', () => {
    expect(dataRange(undefined, 'f', 10)).toEqual({ start: 0, end: 10 });
  });

  it.each([
    [
      { offset: 4, end: 0 },
      { start: 4, end: 10 },
    ],
    [
      { offset: 10, end: 0 },
      { start: 10, end: 10 },
    ],
    [
      { offset: 2, end: 7 },
      { start: 2, end: 7 },
    ],
  ])('is %j as asked for', (part, range) => {
    expect(dataRange({ fingerprint: 'f', ...part }, 'f', 10)).toEqual(range);
  });

  it('of another plan is refused', () => {
    const error = failure(() => dataRange({ fingerprint: 'g', offset: 0, end: 0 }, 'f', 10));
    expect(error.kind).toBe('failed_precondition');
    expect(error.message).toMatch(/resume\.fingerprint is "g", the plan's is now f/);
  });

  it.each([
    [{ offset: 11, end: 0 }, /resume\.offset: is 11; at most 10 is allowed/],
    [{ offset: 0, end: 11 }, /resume\.end: is 11; at most 10 is allowed/],
    [{ offset: 6, end: 5 }, /resume\.offset: is 6; at most 5 is allowed/],
  ])('is refused for %j', (part, message) => {
    const error = failure(() => dataRange({ fingerprint: 'f', ...part }, 'f', 10));
    expect(error.kind).toBe('invalid_argument');
    expect(error.message).toMatch(message);
  });
});
