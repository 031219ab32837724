/** What happens that whoever watches over a server counts. */

/** Files that are read again when they change. */
export type ReloadedFiles = 'certificates' | 'callers' | 'keys';

/** Told of what happens; nothing that it is told is secret. */
export interface SecurityEvents {
  /** The certificate in force, now and after each replacement. */
  certificate(expires: Date): void;
  /** Files changed, and were taken over or refused. */
  reloaded(files: ReloadedFiles, taken: boolean): void;
  /** A call was refused: one of `REFUSAL_REASONS`. */
  refused(reason: RefusalReason): void;
}

/** Reasons of refusals, a closed list: `google.rpc.ErrorInfo.reason` has the same. */
export const REFUSAL_REASONS = [
  'CREDENTIALS_MISSING',
  'CREDENTIALS_INVALID',
  'METHOD_NOT_ALLOWED',
  'MODEL_NOT_ALLOWED',
  'PARAMETERS_EXCEEDED',
  'STREAMS_EXCEEDED',
  'REQUEST_RATE_EXCEEDED',
  'BYTE_RATE_EXCEEDED',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export function isRefusalReason(reason: string | undefined): reason is RefusalReason {
  return (REFUSAL_REASONS as readonly (string | undefined)[]).includes(reason);
}

/** For a server that nobody watches over. */
export const UNHEARD: SecurityEvents = {
  certificate: () => undefined,
  reloaded: () => undefined,
  refused: () => undefined,
};
