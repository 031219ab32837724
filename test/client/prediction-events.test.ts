import fc from 'fast-check';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { predictionEvents } from '../../src/client/prediction-events';
import { ProtocolError } from '../../src/client/protocol-error';
import { chunk, collect, messagesOf, prediction, streamOf } from './fixtures';

const whole = prediction({ 'a.weight': [3, 2], 'a.bias': [3], b: [2, 2] }, 'tied');
const LIMITS = { chunkBytes: 1024, sha256: true };

function events(messages: readonly PredictResponse__Output[], limits = LIMITS) {
  return collect(predictionEvents(streamOf(messages), limits));
}

/** The right messages with those from `index` on replaced. */
function withMessages(index: number, ...replacements: PredictResponse__Output[]): PredictResponse__Output[] {
  const messages = messagesOf(whole);
  messages.splice(index, replacements.length, ...replacements);
  return messages;
}

describe('a prediction stream', () => {
  it('yields the plan, every byte mapped to its tensor, and the summary, however it is cut', async () => {
    const cut = fc.integer({ min: 1, max: whole.data.length });
    await fc.assert(
      fc.asyncProperty(cut, async (chunkBytes) => {
        const all = await events(messagesOf(whole, chunkBytes));
        expect(all[0]?.kind).toBe('plan');
        expect(all.at(-1)?.kind).toBe('summary');
        const pieces = all.flatMap((event) => (event.kind === 'data' ? event.pieces : []));
        for (const { name, offset, bytes, sent } of whole.plan.tensors) {
          const own = pieces.filter((piece) => piece.tensor.name === name);
          const joined = Buffer.concat(own.map((piece) => piece.data));
          expect(joined.equals(sent ? whole.data.subarray(offset, offset + bytes) : Buffer.alloc(0))).toBe(
            true,
          );
        }
      }),
    );
  });

  it('is refused where it ends without a summary', async () => {
    await expect(events(messagesOf(whole).slice(0, -1))).rejects.toThrow(
      'end of the stream is early, expected after the summary',
    );
  });

  it('is refused where a chunk leaves a gap', async () => {
    const messages = withMessages(2, chunk(20, whole.data.subarray(20, 36)));
    await expect(events(messages)).rejects.toThrow('chunk offset is 20, expected 16');
  });

  it('is refused where a chunk overlaps the one before', async () => {
    const messages = withMessages(2, chunk(12, whole.data.subarray(12, 28)));
    await expect(events(messages)).rejects.toThrow('chunk offset is 12, expected 16');
  });

  it('is refused where it has more data than the plan', async () => {
    const messages = withMessages(4, chunk(48, Buffer.alloc(16)));
    await expect(events(messages)).rejects.toThrow('end of the last chunk is 64, expected at most 52');
  });

  it('is refused where it has less data than the plan', async () => {
    const messages = messagesOf(whole);
    messages.splice(4, 1);
    await expect(events(messages)).rejects.toThrow('end of the bytes received is 48, expected 52');
  });

  it('is refused where a chunk is empty or larger than requested', async () => {
    await expect(events(withMessages(1, chunk(0, Buffer.alloc(0))))).rejects.toThrow(
      'is 0, expected 1 to 1024',
    );
    await expect(events(messagesOf(whole), { chunkBytes: 8, sha256: false })).rejects.toThrow(
      'size of the chunk at 0 is 16, expected 1 to 8 bytes',
    );
  });

  it('is refused where a byte differs from the digest, and names the tensor and both values', async () => {
    const damaged = Buffer.from(whole.data);
    damaged[25] = 255;
    const messages = messagesOf({ plan: whole.plan, data: damaged }).slice(0, -1);
    const summary = messagesOf(whole).slice(-1);
    await expect(events([...messages, ...summary])).rejects.toThrow(
      /CRC-32 of "a\.bias" is [0-9a-f]{8}, expected [0-9a-f]{8}/,
    );
  });

  it('is refused where a SHA-256 that was asked for is missing', async () => {
    const messages = messagesOf(whole);
    const digest = messages.at(-1)?.summary?.digests[0];
    if (digest) digest.sha256 = Buffer.alloc(0);
    await expect(events(messages)).rejects.toThrow('SHA-256 of "a.weight"');
    await expect(events(messages, { chunkBytes: 1024, sha256: false })).resolves.toHaveLength(6);
  });

  it('is refused where the summary names other tensors', async () => {
    const messages = messagesOf(whole);
    messages.at(-1)?.summary?.digests.reverse();
    await expect(events(messages)).rejects.toThrow('name of digest 0 is "b", expected "a.weight"');
    messages.at(-1)?.summary?.digests.pop();
    await expect(events(messages)).rejects.toThrow('number of digests in the summary is 2, expected 3');
  });

  it('is refused where messages come out of order', async () => {
    const messages = messagesOf(whole);
    await expect(events(messages.slice(1))).rejects.toThrow('message is chunk, expected the plan first');
    await expect(events([...messages, ...messages.slice(-1)])).rejects.toThrow(
      'message after the summary is summary, expected none',
    );
    await expect(events([...messages.slice(0, 1), ...messages])).rejects.toThrow(
      'message is plan, expected a chunk',
    );
    await expect(events([{}])).rejects.toThrow('message is empty or of an unknown kind');
  });

  it('never passes wrong data for right, whatever is lost, repeated, swapped or damaged on the way', async () => {
    const right = messagesOf(whole);
    const index = fc.nat({ max: right.length - 1 });
    const fault = fc.oneof(
      fc.record({ kind: fc.constant('lose' as const), at: index }),
      fc.record({ kind: fc.constant('repeat' as const), at: index, to: index }),
      fc.record({ kind: fc.constant('swap' as const), at: index, to: index }),
      fc.record({ kind: fc.constant('damage' as const), at: index, byte: fc.nat(15), bit: fc.nat(7) }),
    );
    type Fault = typeof fault extends fc.Arbitrary<infer F> ? F : never;
    const apply = (messages: PredictResponse__Output[], { at, ...change }: Fault): void => {
      const message = messages[at];
      if (!message) return;
      if (change.kind === 'lose') {
        messages.splice(at, 1);
      } else if (change.kind === 'repeat') {
        messages.splice(change.to, 0, message);
      } else if (change.kind === 'swap') {
        const other = messages[change.to];
        if (!other) return;
        messages[at] = other;
        messages[change.to] = message;
      } else if (message.chunk) {
        const data = Buffer.from(message.chunk.data);
        data[change.byte % data.length] = (data[change.byte % data.length] ?? 0) ^ (1 << change.bit);
        messages[at] = chunk(message.chunk.offset, data);
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 3 }), async (faults) => {
        const messages = [...right];
        faults.forEach((one) => {
          apply(messages, one);
        });
        const received = await events(messages).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ProtocolError);
        });
        if (received) {
          const data = received.flatMap((event) => (event.kind === 'data' ? [event.data] : []));
          expect(Buffer.concat(data).equals(whole.data)).toBe(true);
        }
      }),
      {
        numRuns: 300,
        examples: [
          // A swap with a place that an earlier loss has taken away.
          [
            [
              { kind: 'lose', at: 4 },
              { kind: 'lose', at: 4 },
              { kind: 'swap', at: 0, to: 5 },
            ],
          ],
        ],
      },
    );
  });
});
