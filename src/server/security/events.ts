/** What happens that whoever watches over a server counts. */

import type { ErrorKind, LogahError } from '../../errors';

/** Files that are read again when they change. */
export type ReloadedFiles = 'certificates' | 'callers' | 'keys';

/** Told of what happens; nothing that it is told is secret. */
export interface SecurityEvents {
  /** The certificate in force, now and after each replacement. */
  certificate(expires: Date): void;
  /** Files changed, and were taken over or refused. */
  reloaded(files: ReloadedFiles, taken: boolean): void;
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
  'QUEUE_FULL',
  'QUEUE_TOO_LONG',
  'DEADLINE_TOO_NEAR',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** What a refusal is counted under: a reason of the list, or the kind of the error. */
export function refusalLabel({ reason, kind }: LogahError): RefusalReason | ErrorKind {
  return REFUSAL_REASONS.find((known) => known === reason) ?? kind;
}
