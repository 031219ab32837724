import { connect, LogahError, type LogahClient } from '../client';
import { startEmbeddedServer } from './embedded-server';
import { packagePath } from './package-paths';

/** Which server a command talks to. */
export interface ServerChoice {
  /** "host:port" of a running server; undefined: one is started for the command. */
  readonly server?: string | undefined;
  /** Directory of model bundles for the server that is started; undefined: those of the package. */
  readonly models?: string | undefined;
}

/** Milliseconds to wait for the end of a server that no longer answers, to tell why. */
const POST_MORTEM_MS = 1000;

/** Runs `use` with a client of the chosen server. A server started for it has ended when this returns. */
export async function withClient<Result>(
  choice: ServerChoice,
  signal: AbortSignal,
  use: (client: LogahClient) => Promise<Result>,
): Promise<Result> {
  if (choice.server !== undefined) {
    return useAndClose(connect(choice.server), use);
  }
  const modelsDirectory = choice.models ?? packagePath('models');
  const server = await startEmbeddedServer({ modelsDirectory, signal });
  try {
    return await useAndClose(connect(server.address), use);
  } catch (error) {
    const end = isUnavailable(error) && !signal.aborted ? await server.endedWith(POST_MORTEM_MS) : undefined;
    throw end === undefined
      ? error
      : new LogahError('unavailable', `the server ended before its time: ${end}`, { cause: error });
  } finally {
    await server.stop();
  }
}

async function useAndClose<Result>(
  client: LogahClient,
  use: (client: LogahClient) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof LogahError && error.kind === 'unavailable';
}
