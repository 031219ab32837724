import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { invalidFields, LogahError, type ErrorKind } from '../../src/errors';
import { decodeStatusDetails, STATUS_DETAILS_KEY, type StatusDetails } from '../../src/contract/rpc-status';
import { toServiceError } from '../../src/server/status';

function detailsOf(error: unknown): { code: number; message: string; details: StatusDetails; bytes: number } {
  const { code, details: message, metadata } = toServiceError(error, 'request-1');
  const [encoded] = metadata.get(STATUS_DETAILS_KEY);
  const details = Buffer.isBuffer(encoded) ? decodeStatusDetails(encoded) : undefined;
  if (details === undefined || !Buffer.isBuffer(encoded)) throw new Error('no details');
  // The sizes on the wire: percent-encoded, and base64.
  return { code, message, details, bytes: encodeURI(message).length + (encoded.length * 4) / 3 };
}

describe('the status of an error', () => {
  it.each([
    ['invalid_argument', status.INVALID_ARGUMENT],
    ['not_found', status.NOT_FOUND],
    ['failed_precondition', status.FAILED_PRECONDITION],
    ['resource_exhausted', status.RESOURCE_EXHAUSTED],
    ['deadline_exceeded', status.DEADLINE_EXCEEDED],
    ['cancelled', status.CANCELLED],
    ['unavailable', status.UNAVAILABLE],
    ['unauthenticated', status.UNAUTHENTICATED],
    ['permission_denied', status.PERMISSION_DENIED],
  ] as [ErrorKind, status][])(
    'of kind %s has its code, and its message, violations and delay',
    (kind, code) => {
      const violations = [{ field: 'seed', description: 'is too large' }];
      const found = detailsOf(new LogahError(kind, 'told so', { violations, retryAfterMs: 1500 }));
      expect(found).toMatchObject({ code, message: 'told so' });
      expect(found.details).toEqual({
        code,
        domain: 'logah',
        message: 'told so',
        violations,
        retryAfterMs: 1500,
        reason: kind.toUpperCase(),
        metadata: {},
      });
    },
  );

  it('that is not ours to tell says where the log has it, and nothing of its cause', () => {
    const { code, message, details } = detailsOf(new Error('password is 1234'));
    expect(code).toBe(status.INTERNAL);
    expect(message).toBe("internal error; the server's log has it under request request-1");
    expect(details).toMatchObject({ reason: 'INTERNAL', violations: [], retryAfterMs: undefined });
  });

  it('fits into the trailers of every client, and counts the violations left out', () => {
    const text = fc.string({ unit: 'binary', maxLength: 400 });
    const violations = fc.array(fc.record({ field: text, description: text }), { maxLength: 40 });
    fc.assert(
      fc.property(violations, (all) => {
        const { details, bytes } = detailsOf(invalidFields(all));
        expect(bytes).toBeLessThanOrEqual(6500);
        const kept = details.violations ?? [];
        const left = /^and (\d+) more violations$/.exec(kept.at(-1)?.description ?? '');
        expect(left ? kept.length - 1 + Number(left[1]) : kept.length).toBe(all.length);
      }),
    );
  });

  it('keeps as much of a long message as fits, without cutting a character', () => {
    const { message } = detailsOf(new LogahError('not_found', '😀'.repeat(1000)));
    expect(message).toMatch(/^(?:😀){100,}\.\.\.$/u);
  });

  it('replaces halves of a surrogate pair, which cannot be sent', () => {
    expect(detailsOf(new LogahError('not_found', 'a\ud83d')).message).toBe('a\ufffd');
  });
});
