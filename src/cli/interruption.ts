import { constants } from 'node:os';

/** A signal ended the command; everything is cleaned up. */
export class Interruption extends Error {
  /** What a shell reports for the signal: 130 for SIGINT, 143 for SIGTERM. */
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Runs a command that the first SIGINT or SIGTERM aborts and the second ends at once. Throws Interruption when it was
 * aborted and has cleaned up.
 */
export async function interruptible<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
    const interruption = new Interruption(signal);
    if (controller.signal.aborted) {
      process.exit(interruption.exitCode);
    }
    controller.abort(interruption);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await run(controller.signal);
  } catch (error) {
    throw controller.signal.reason instanceof Interruption ? controller.signal.reason : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
