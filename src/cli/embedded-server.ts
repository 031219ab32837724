import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { embeddedEnvironment } from '../config/environment';
import { LogahError } from '../errors';
import { packagePath } from './package-paths';
import { ServerLog } from './server-log';

/** Milliseconds that loading the models may take, and that finishing may take before the process is killed. */
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;

/** Which server to start. */
export interface EmbeddedServerOptions {
  /** Directory of model bundles. */
  readonly modelsDirectory: string;
  /** Gives up starting when aborted. */
  readonly signal: AbortSignal;
  /** Further flags of `logah serve`. */
  readonly flags?: readonly string[];
  /** The program and its first argument; default: this package's `logah serve`. */
  readonly entry?: string | undefined;
}

/** A server in a process of its own, for this command alone. It ends when this process does, however that ends. */
export interface EmbeddedServer {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /** What the server said last if it ends within `withinMs` without having been told to; otherwise undefined. */
  endedWith(withinMs: number): Promise<string | undefined>;
  /** Tells the server to finish, and waits until it has. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port of 127.0.0.1 and waits until it listens. Throws LogahError: "unavailable" with the
 * server's own words where it ends first, "deadline_exceeded" after two minutes, "cancelled" by the signal.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { modelsDirectory, signal, entry = packagePath('dist', 'cli', 'main.js') } = options;
  const flags = [
    '--address',
    '127.0.0.1:0',
    '--models',
    modelsDirectory,
    '--models-poll-seconds',
    '0',
    '--metrics-address',
    'off',
    '--log-level',
    'info',
    '--parent-watch',
    ...(options.flags ?? []),
  ];
  // Standard input stays open as long as this process lives: --parent-watch.
  const child = spawn(process.execPath, [entry, 'serve', ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: embeddedEnvironment(),
  });
  const log = new ServerLog();
  const closed = once(child, 'close').then(
    () => describeEnd(child, log),
    (error: unknown) => String(error),
  );
  onLines(child.stderr, (line) => {
    log.acceptText(line);
  });
  try {
    const port = await listeningPort(child.stdout, log, closed, signal);
    return {
      address: `127.0.0.1:${port}`,
      endedWith: (withinMs) => Promise.race([closed, timeout(withinMs)]),
      stop: () => stop(child, closed),
    };
  } catch (error) {
    await stop(child, closed);
    throw error;
  }
}

function listeningPort(
  stdout: Readable,
  log: ServerLog,
  closed: Promise<string>,
  signal: AbortSignal,
): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `the server did not listen within ${START_LIMIT_MS / 1000} s`;
      settle(() => {
        reject(new LogahError('deadline_exceeded', message));
      });
    }, START_LIMIT_MS);
    const onAbort = (): void => {
      settle(() => {
        reject(new LogahError('cancelled', 'cancelled while the server started', { cause: signal.reason }));
      });
    };
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    onLines(stdout, (line) => {
      const port = log.acceptLog(line);
      if (port !== undefined) {
        settle(() => {
          resolve(port);
        });
      }
    });
    void closed.then((end) => {
      settle(() => {
        reject(new LogahError('unavailable', `the server could not start: ${end}`));
      });
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
  });
}

async function stop(child: ChildProcess, closed: Promise<string>): Promise<void> {
  child.kill('SIGTERM');
  if ((await Promise.race([closed, timeout(STOP_LIMIT_MS)])) === undefined) {
    child.kill('SIGKILL');
    await closed;
  }
}

function describeEnd(child: ChildProcess, log: ServerLog): string {
  const how = child.signalCode ? `signal ${child.signalCode}` : `exit code ${child.exitCode ?? 'unknown'}`;
  return log.lastWords ?? `no message, ${how}`;
}

function onLines(stream: Readable, accept: (line: string) => void): void {
  createInterface({ input: stream }).on('line', accept);
}

function timeout(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
