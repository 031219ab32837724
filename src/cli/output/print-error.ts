import { LogahError } from '../../errors';
import { Interruption } from '../interruption';
import { isSystemError } from '../../system-error';

/** Prints an error for people to standard error. Returns the exit code: 1, or that of the signal. */
export function printError(error: unknown): number {
  if (error instanceof Interruption) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`error: ${describe(error)}\n`);
  return 1;
}

function describe(error: unknown): string {
  if (error instanceof LogahError) {
    return describeLogahError(error);
  }
  if (isSystemError(error)) {
    return error.message;
  }
  // A fault of this program: its reader needs the place.
  return `internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function describeLogahError({ message, violations, retryAfterMs }: LogahError): string {
  const lines =
    violations.length > 0
      ? ['the request is wrong', ...violations.map(({ field, description }) => `  ${field}: ${description}`)]
      : [message];
  if (retryAfterMs !== undefined) {
    lines.push(`try again in ${(retryAfterMs / 1000).toFixed(1)} s`);
  }
  return lines.join('\n');
}
