import { AskedBefore } from '../../src/stream/asked-before';

it('knows what was asked for, and forgets the oldest', () => {
  const asked = new AskedBefore();
  expect(asked.again('a')).toBe(false);
  expect(asked.again('b')).toBe(false);
  expect(asked.again('a')).toBe(true);
  for (let index = 0; index < 255; index++) asked.again(`other ${index}`);
  expect(asked.again('a')).toBe(true);
  expect(asked.again('b')).toBe(false);
});
