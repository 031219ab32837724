import { LogahError } from './errors';

/** An error of the operating system as Node.js raises it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** "ENOENT: no such file or directory, open 'x'" -> "no such file or directory". */
export function systemReason(error: NodeJS.ErrnoException): string {
  return error.message.replace(/^[A-Z0-9_]+: /, '').replace(/, [a-z_]+( '.*)?$/s, '');
}

/** `attempt`, with an error of the operating system told as "cannot <action>: <reason>". Throws LogahError. */
export async function withFileErrors<Result>(
  action: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (isSystemError(error)) {
      throw new LogahError('failed_precondition', `cannot ${action}: ${systemReason(error)}`, {
        cause: error,
      });
    }
    throw error;
  }
}
