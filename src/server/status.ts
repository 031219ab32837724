/** The one place where errors become gRPC statuses. */

import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { LogahError, type ErrorKind } from '../errors';
import { encodeStatusDetails, STATUS_DETAILS_KEY } from '../rpc-status';

/** The status code of an error kind. */
export function statusCode(kind: ErrorKind): status {
  switch (kind) {
    case 'invalid_argument':
      return status.INVALID_ARGUMENT;
    case 'not_found':
      return status.NOT_FOUND;
    case 'failed_precondition':
      return status.FAILED_PRECONDITION;
    case 'resource_exhausted':
      return status.RESOURCE_EXHAUSTED;
    case 'deadline_exceeded':
      return status.DEADLINE_EXCEEDED;
    case 'cancelled':
      return status.CANCELLED;
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
  const message = known
    ? error.message
    : `internal error; the server's log has it under request ${requestId}`;
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set(
    STATUS_DETAILS_KEY,
    encodeStatusDetails({
      code,
      message,
      violations: known ? error.violations : [],
      retryAfterMs: known ? error.retryAfterMs : undefined,
      reason: known ? error.kind.toUpperCase() : 'INTERNAL',
    }),
  );
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function unreachable(kind: never): never {
  throw new Error(`no gRPC status for error kind ${String(kind)}`);
}
