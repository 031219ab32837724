import { LogahError } from '../../src/errors';

/** The LogahError that `act` throws or rejects with; any other error, or none, fails the test. */
export async function refusalOf(act: () => unknown): Promise<LogahError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof LogahError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
