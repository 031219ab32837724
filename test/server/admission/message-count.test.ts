import fc from 'fast-check';
import { MessageCount } from '../../../src/server/admission/message-count';
import { framed } from '../../support/raw-call';

it('messages are counted as they begin, wherever the pieces end that bring them', () => {
  const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 600 }), fc.boolean()), { maxLength: 8 });
  const cuts = fc.array(fc.nat(5000), { maxLength: 12 });
  fc.assert(
    fc.property(messages, cuts, (given, ends) => {
      const bytes = Buffer.concat(given.map(([message, isCompressed]) => framed(message, isCompressed)));
      const count = new MessageCount();
      let at = 0;
      for (const end of [...ends.sort((a, b) => a - b), bytes.length]) {
        const reached = Math.max(at, Math.min(end, bytes.length));
        let begun = 0;
        let start = 0;
        for (const [message] of given) {
          if (start < reached) begun++;
          start += framed(message).length;
        }
        expect(count.add(bytes.subarray(at, reached))).toBe(begun);
        at = reached;
      }
    }),
  );
});
