import fc from 'fast-check';
import { decodeStatusDetails, encodeStatusDetails, type StatusDetails } from '../../src/contract/rpc-status';

describe('google.rpc status details', () => {
  it('has the wire format of google.rpc', () => {
    const bytes = encodeStatusDetails({ code: 8, message: 'm', reason: 'R', retryAfterMs: 1500 });
    const errorInfo = '0a0152' + '12056c6f676168';
    const retryInfo = '0a08' + '0801' + '1080cab5ee01';
    const url = (name: string) => Buffer.from(`type.googleapis.com/google.rpc.${name}`).toString('hex');
    expect(bytes.toString('hex')).toBe(
      ['0808', '12016d']
        .concat('1a36', '0a28', url('ErrorInfo'), '120a', errorInfo)
        .concat('1a36', '0a28', url('RetryInfo'), '120a', retryInfo)
        .join(''),
    );
  });

  it('reads what it writes', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const status = fc.record({
      code: fc.integer({ min: 0, max: 16 }),
      message: text,
      violations: fc.array(fc.record({ field: text, description: text }), { maxLength: 4 }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
      reason: fc.option(fc.constantFrom('CANCELLED', 'TOO_BUSY'), { nil: undefined }),
      metadata: fc.constantFrom({}, { limit: '3', scope: 'streams' }),
    });
    fc.assert(
      fc.property(status, (expected: StatusDetails) => {
        // Whoever gives a reason says who they are.
        const domain = expected.reason === undefined ? undefined : 'logah';
        expect(decodeStatusDetails(encodeStatusDetails(expected))).toEqual({
          ...expected,
          domain,
          metadata: expected.reason === undefined ? {} : expected.metadata,
        });
      }),
    );
  });

  it('does not fail on bytes that are not a status', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decodeStatusDetails(bytes);
      }),
    );
    expect(decodeStatusDetails(Buffer.from([0xff]))).toBeUndefined();
  });
});
