import { status, type ServiceError } from '@grpc/grpc-js';
import { LogahError, type ErrorKind } from '../errors';
import { decodeStatusDetails, STATUS_DETAILS_KEY, type StatusDetails } from '../contract/rpc-status';

/**
 * A gRPC status that the server (or the connection to it) answered with. `violations` and `retryAfterMs` come from the
 * status's google.rpc details.
 */
export class RemoteError extends LogahError {
  /** The gRPC status code. */
  readonly code: status;
  /** `google.rpc.ErrorInfo.reason`; undefined: the server gave none. */
  readonly reason: string | undefined;
  /** The server's address as given to `connect`. */
  readonly target: string;

  constructor(target: string, error: ServiceError) {
    const details = statusDetails(error);
    super(errorKind(error.code), message(target, error), {
      cause: error,
      violations: details?.violations ?? [],
      ...(details?.retryAfterMs !== undefined && { retryAfterMs: details.retryAfterMs }),
    });
    this.name = 'RemoteError';
    this.code = error.code;
    this.reason = details?.reason;
    this.target = target;
  }
}

/** `error` as a RemoteError if grpc-js raised it, otherwise itself. */
export function toRemoteError(target: string, error: unknown): unknown {
  return isServiceError(error) ? new RemoteError(target, error) : error;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

function message(target: string, error: ServiceError): string {
  if (error.code === status.UNAVAILABLE) {
    return `server ${target} is unavailable: ${plainReason(error.details)}`;
  }
  return error.details || `server ${target} answered ${status[error.code]}`;
}

/** Takes out of grpc-js's texts what says nothing: "No connection established. Last error: Error: ...". */
function plainReason(details: string): string {
  return details
    .replace(/^No connection established\. (Last error: )?(Error: )?/, '')
    .replace(/\.? *Resolution note: *$/, '');
}

function statusDetails(error: ServiceError): StatusDetails | undefined {
  // grpc-js leaves `metadata` out of some errors that it raises itself.
  const metadata = error.metadata as ServiceError['metadata'] | undefined;
  const bytes = metadata?.get(STATUS_DETAILS_KEY)[0];
  return Buffer.isBuffer(bytes) ? decodeStatusDetails(bytes) : undefined;
}

const KINDS: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid_argument',
  [status.OUT_OF_RANGE]: 'invalid_argument',
  [status.NOT_FOUND]: 'not_found',
  [status.RESOURCE_EXHAUSTED]: 'resource_exhausted',
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [status.CANCELLED]: 'cancelled',
  [status.UNAVAILABLE]: 'unavailable',
};

/** Codes without a kind of their own are `failed_precondition`: trying again does not help; `code` has the exact one. */
function errorKind(code: status): ErrorKind {
  return KINDS[code] ?? 'failed_precondition';
}
