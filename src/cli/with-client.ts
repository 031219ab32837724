import { connect, LogahError, type LogahClient } from '../client';
import { cacheDirectory } from '../config';
import { startEmbeddedServer } from './embedded-server';
import { packagePath } from './package-paths';

/** Which server a command talks to. */
export interface ServerChoice {
  /** "host:port" of one or more running servers; undefined: one is started for the command. */
  readonly server?: readonly [string, ...string[]] | undefined;
  /** Directory of model bundles for the server that is started; undefined: those of the package. */
  readonly models?: string | undefined;
}

/** Milliseconds to wait for the end of a server that no longer answers, to tell why. */
const POST_MORTEM_MS = 1000;

/** Clients of one or more servers. */
export type Clients = readonly [LogahClient, ...LogahClient[]];

/** Runs `use` with a client of the chosen server, the first of several. */
export function withClient<Result>(
  choice: ServerChoice,
  signal: AbortSignal,
  use: (client: LogahClient) => Promise<Result>,
): Promise<Result> {
  return withClients(choice, signal, ([client]) => use(client));
}

/** Runs `use` with clients of the chosen servers. A server started for it has ended when this returns. */
export async function withClients<Result>(
  choice: ServerChoice,
  signal: AbortSignal,
  use: (clients: Clients) => Promise<Result>,
): Promise<Result> {
  if (choice.server !== undefined) {
    const [first, ...others] = choice.server;
    return useAndClose([connectCached(first), ...others.map(connectCached)], use);
  }
  const modelsDirectory = choice.models ?? packagePath('models');
  const server = await startEmbeddedServer({ modelsDirectory, signal });
  try {
    return await useAndClose([connectCached(server.address)], use);
  } catch (error) {
    const end = isUnavailable(error) && !signal.aborted ? await server.endedWith(POST_MORTEM_MS) : undefined;
    throw end === undefined
      ? error
      : new LogahError('unavailable', `the server ended before its time: ${end}`, { cause: error });
  } finally {
    await server.stop();
  }
}

function connectCached(address: string): LogahClient {
  return connect(address, { cacheDirectory: cacheDirectory() });
}

async function useAndClose<Result>(
  clients: Clients,
  use: (clients: Clients) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(clients);
  } finally {
    for (const client of clients) client.close();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof LogahError && error.kind === 'unavailable';
}
