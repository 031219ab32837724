import { connect, LogahError, type ConnectOptions, type LogahClient } from '../client';
import type { ClientFlags } from '../config/client-config';
import { cacheDirectory } from '../config/environment';
import { clientSecurity, refuseWithoutServer } from './client-security';
import { startEmbeddedServer } from './embedded-server';
import { packagePath } from './package-paths';

/** Which server a command talks to. */
export interface ServerChoice extends ClientFlags {
  /** "host:port" of one or more running servers; undefined: one is started for the command. */
  readonly server?: readonly [string, ...string[]] | undefined;
  /** Directory of model bundles for the server that is started; undefined: those of the package. */
  readonly models?: string | undefined;
  /** Seconds that a running server may be away before a command gives up; undefined: the client's default. */
  readonly patience?: number | undefined;
}

/** Milliseconds to wait for the end of a server that no longer answers, to tell why. */
const POST_MORTEM_MS = 1000;

/** A pause of this length comes after several failures in a row; shorter ones are over before they are read of. */
const WORTH_TELLING_MS = 1500;
const TOLD_FOR_MS = 60_000;

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

/**
 * Runs `use` with a client for each chosen server, which asks that one first and the others when it fails. A server started for it has ended when
 * this returns.
 */
export async function withClients<Result>(
  choice: ServerChoice,
  signal: AbortSignal,
  use: (clients: Clients) => Promise<Result>,
): Promise<Result> {
  if (choice.server !== undefined) {
    const [first, ...others] = choice.server;
    const options = {
      ...(await clientSecurity(choice)),
      ...(choice.patience !== undefined && { patienceMs: choice.patience * 1000 }),
      onBreak: tellOnce(),
    };
    const clientOf = (index: number): LogahClient =>
      connectCached(rotated([first, ...others], index), options);
    return useAndClose([clientOf(0), ...others.map((_, index) => clientOf(index + 1))], use);
  }
  refuseWithoutServer(choice);
  const modelsDirectory = choice.models ?? packagePath('models');
  const server = await startEmbeddedServer({ modelsDirectory, signal });
  try {
    // It is not started again, so there is nothing to wait for.
    return await useAndClose([connectCached([server.address], { patienceMs: 0 })], use);
  } catch (error) {
    const end = isUnavailable(error) && !signal.aborted ? await server.endedWith(POST_MORTEM_MS) : undefined;
    throw end === undefined
      ? error
      : new LogahError('unavailable', `the server ended before its time: ${end}`, { cause: error });
  } finally {
    await server.stop();
  }
}

function connectCached(servers: readonly [string, ...string[]], options: ConnectOptions): LogahClient {
  return connect(servers, { ...options, cacheDirectory: cacheDirectory() });
}

/** The servers from the one at `index` on, and then those before it. */
function rotated(servers: readonly [string, ...string[]], index: number): readonly [string, ...string[]] {
  const [first = servers[0], ...others] = [...servers.slice(index), ...servers.slice(0, index)];
  return [first, ...others];
}

/** Says on standard error that a server is waited for, when it has been for a while, and not again for a minute. */
function tellOnce(): NonNullable<ConnectOptions['onBreak']> {
  let toldAt = -Infinity;
  return ({ message }, pauseMs) => {
    const now = performance.now();
    if (pauseMs < WORTH_TELLING_MS || now - toldAt < TOLD_FOR_MS) return;
    toldAt = now;
    process.stderr.write(`waiting: ${message}\n`);
  };
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
