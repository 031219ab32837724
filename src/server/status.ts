/** The one place where errors become gRPC statuses. */

import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { LogahError, type ErrorKind, type FieldViolation } from '../errors';
import { encodeStatusDetails, STATUS_DETAILS_KEY } from '../contract/rpc-status';
import { LOGGED, visible } from '../untrusted-text';

/**
 * Trailing metadata beyond 8 KiB is refused by clients in other languages. The message travels percent-encoded, the
 * details in base64.
 */
const MAX_ENCODED_MESSAGE = 2048;
const MAX_DETAILS_BYTES = 3072;
/** What the details hold besides violations and the message. */
const DETAILS_RESERVE = 256;

/** The status code of an error kind. */
export function statusCode(kind: ErrorKind): status {
  switch (kind) {
    case 'invalid_argument':
      return status.INVALID_ARGUMENT;
    case 'not_found':
      return status.NOT_FOUND;
    case 'permission_denied':
      return status.PERMISSION_DENIED;
    case 'failed_precondition':
      return status.FAILED_PRECONDITION;
    case 'resource_exhausted':
      return status.RESOURCE_EXHAUSTED;
    case 'deadline_exceeded':
      return status.DEADLINE_EXCEEDED;
    case 'cancelled':
      return status.CANCELLED;
    case 'unauthenticated':
      return status.UNAUTHENTICATED;
    case 'unavailable':
      return status.UNAVAILABLE;
    default:
      return unreachable(kind);
  }
}

/** The status of any error. One that is not a LogahError is our fault: its cause stays in the log. */
export function toServiceError(error: unknown, requestId: string): ServiceError {
  const known = error instanceof LogahError;
  const code = known ? statusCode(error.kind) : status.INTERNAL;
  const message = sendable(
    known
      ? error.message.slice(0, LOGGED)
      : `internal error; the server's log has it under request ${requestId}`,
  );
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set(
    STATUS_DETAILS_KEY,
    encodeStatusDetails({
      code,
      message,
      violations: known ? fitting(error.violations, MAX_DETAILS_BYTES - Buffer.byteLength(message)) : [],
      retryAfterMs: known ? error.retryAfterMs : undefined,
      reason: known ? (error.reason ?? error.kind.toUpperCase()) : 'INTERNAL',
      metadata: known ? error.metadata : {},
    }),
  );
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** Well-formed text, since halves of a surrogate pair cannot be percent-encoded, of a size that trailers can carry. */
function sendable(text: string): string {
  const wellFormed = visible(text.replace(/\p{Surrogate}/gu, '\ufffd'));
  if (encodeURI(wellFormed).length <= MAX_ENCODED_MESSAGE) return wellFormed;
  let length = 0;
  let kept = '';
  for (const character of wellFormed) {
    length += encodeURI(character).length;
    if (length > MAX_ENCODED_MESSAGE - 3) break;
    kept += character;
  }
  return `${kept}...`;
}

/** As many violations as fit into `bytes`; those left out are counted. */
function fitting(violations: readonly FieldViolation[], bytes: number): readonly FieldViolation[] {
  const kept: FieldViolation[] = [];
  let left = bytes - DETAILS_RESERVE;
  for (const given of violations) {
    const violation = { field: visible(given.field), description: visible(given.description) };
    left -= Buffer.byteLength(violation.field) + Buffer.byteLength(violation.description) + 8;
    if (left < 0) break;
    kept.push(violation);
  }
  const rest = violations.length - kept.length;
  return rest === 0 ? kept : [...kept, { field: '', description: `and ${rest} more violations` }];
}

function unreachable(kind: never): never {
  throw new Error(`no gRPC status for error kind ${String(kind)}`);
}
