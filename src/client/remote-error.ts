import { status, type ServiceError } from '@grpc/grpc-js';
import { LogahError, type ErrorKind } from '../errors';
import {
  decodeStatusDetails,
  ERROR_DOMAIN,
  STATUS_DETAILS_KEY,
  type StatusDetails,
} from '../contract/rpc-status';

/** What grpc-js says of a call that failed; `details` and `metadata` are missing from some errors that it raises itself. */
export type CallFailure = Pick<ServiceError, 'code'> & Partial<Pick<ServiceError, 'details' | 'metadata'>>;

/**
 * A gRPC status that the server (or the connection to it) answered with. `violations`, `retryAfterMs`, `reason` and
 * `metadata` come from the status's google.rpc details.
 */
export class RemoteError extends LogahError {
  /** The gRPC status code. */
  readonly code: status;
  /** Whether the service itself says so, and not a proxy before it or gRPC: its errors have an `ErrorInfo` of its domain. */
  readonly isOfService: boolean;
  /** The server's address as given to `connect`. */
  readonly target: string;

  constructor(target: string, error: CallFailure) {
    const details = statusDetails(error);
    super(errorKind(error.code), message(target, error), {
      cause: error,
      violations: details?.violations ?? [],
      ...(details?.retryAfterMs !== undefined && { retryAfterMs: details.retryAfterMs }),
      ...(details?.reason !== undefined && { reason: details.reason }),
      metadata: details?.metadata ?? {},
    });
    this.name = 'RemoteError';
    this.code = error.code;
    this.isOfService = details?.domain === ERROR_DOMAIN;
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

function message(target: string, error: CallFailure): string {
  const reason = plainReason(error.details ?? '');
  if (error.code === status.UNAVAILABLE) {
    return `server ${target} is unavailable: ${reason || 'no connection'}`;
  }
  return reason || `server ${target} answered ${status[error.code]}`;
}

/** Takes out of grpc-js's texts what says nothing: "No connection established. Last error: Error: ...", and its empty values. */
function plainReason(details: string): string {
  return details
    .replace(/^No connection established\. (Last error: )?(Error: )?/, '')
    .replace(/\.? *Resolution note: *(undefined|null)?$/, '')
    .replace(/^(undefined|null)$/, '');
}

function statusDetails({ metadata }: CallFailure): StatusDetails | undefined {
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
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.PERMISSION_DENIED]: 'permission_denied',
  [status.UNAVAILABLE]: 'unavailable',
};

/** Codes without a kind of their own are `failed_precondition`: trying again does not help; `code` has the exact one. */
function errorKind(code: status): ErrorKind {
  return KINDS[code] ?? 'failed_precondition';
}
