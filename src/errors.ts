/** The one error class of the service; `server/status.ts` is the one place that maps it to gRPC statuses. */

export type ErrorKind =
  | 'invalid_argument'
  | 'not_found'
  | 'permission_denied'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'unauthenticated'
  | 'unavailable';

/** One wrong field: its path in the request, and what came and what is allowed. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface LogahErrorOptions extends ErrorOptions {
  readonly violations?: readonly FieldViolation[];
  /** When trying again can help, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** What programs tell errors of one kind apart by (`google.rpc.ErrorInfo`); default: the kind. */
  readonly reason?: string;
  /** Figures of that reason. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An error that its reader can act on. Anything else that is thrown is a fault of ours. */
export class LogahError extends Error {
  readonly kind: ErrorKind;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(kind: ErrorKind, message: string, options: LogahErrorOptions = {}) {
    super(message, options);
    this.name = 'LogahError';
    this.kind = kind;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
    this.metadata = options.metadata ?? {};
  }
}

/** The error for wrong fields; its message joins the violations. */
export function invalidFields(violations: readonly FieldViolation[]): LogahError {
  const message = violations.map((v) => `${v.field}: ${v.description}`).join('; ');
  return new LogahError('invalid_argument', message, { violations });
}

/** The error for one wrong field. */
export function invalidField(field: string, description: string): LogahError {
  return invalidFields([{ field, description }]);
}

/** Why a signal aborted: the reason it was given where that is an error of ours, else that the caller cancelled. */
export function abortError(signal: AbortSignal): LogahError {
  const reason: unknown = signal.reason;
  return reason instanceof LogahError
    ? reason
    : new LogahError('cancelled', 'the call was cancelled', { cause: reason });
}
