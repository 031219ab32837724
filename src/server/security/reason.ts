import { loggable } from '../../untrusted-text';

/** What a log says of an error. */
export function reasonToLog(error: unknown): string {
  return loggable(error instanceof Error ? error.message : String(error));
}
