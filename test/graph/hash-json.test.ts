import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { updateWithList } from '../../src/graph/hash-json';

test('the hash of a list in parts is that of its text', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.nat({ max: 300 }), (some, times) => {
      const list = Array.from({ length: times }, () => some).flat();
      const hash = createHash('sha256');
      updateWithList(hash, list);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(JSON.stringify(list)).digest('hex'));
    }),
  );
});
