/** The compiled server in a process of its own, over a real port. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { credentials } from '@grpc/grpc-js';
import { connect, type LogahClient } from '../../src/client';
import { CHANNEL_OPTIONS } from '../../src/client/link/channel';
import type { LogahServiceClient } from '../../src/gen/logah/v1/LogahService';
import { LogahService } from '../../src/contract/service-clients';

/** The compiled files: those of the last build, unless LOGAH_TEST_DIST names another folder. */
export const DIST = process.env.LOGAH_TEST_DIST ?? join(__dirname, '..', '..', 'dist');

/** A line of the server's log. */
export type LogEntry = Readonly<Record<string, unknown>> & { readonly msg: string };

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Running {
  readonly pid: number;
  readonly logs: readonly LogEntry[];
  readonly stderr: () => string;
  readonly exit: Promise<Exit>;
  /** The first line with this message, and for which `holds`, that was or will be logged. */
  readonly logged: (msg: string, holds?: (entry: LogEntry) => boolean) => Promise<LogEntry>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Reads no more of the log, until it is resumed. */
  readonly pauseLog: () => void;
  readonly resumeLog: () => void;
}

/** What the tests know of a server that listens. */
export interface ServerProcess extends Running {
  readonly address: string;
  /** The client library. */
  readonly client: LogahClient;
  /** The generated client, which checks nothing. */
  readonly stub: LogahServiceClient;
  /** Ends the server and the clients. */
  readonly stop: () => Promise<Exit>;
}

export interface StartOptions {
  readonly models: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Which lines of the log are kept in `logs`, besides being told to those who wait for them; default: all. */
  readonly keepsLog?: (entry: LogEntry) => boolean;
}

/** Starts `logah serve` on a free port, on the CPU, and waits until it listens. */
export async function startServer(options: StartOptions): Promise<ServerProcess> {
  const { models, flags = [], environment = {}, keepsLog } = options;
  const defaults = ['--address', '127.0.0.1:0', '--execution-provider', 'cpu', '--metrics-address', 'off'];
  const running = run(['--models', models, ...defaults, ...flags], environment, keepsLog);
  const ended = running.exit.then(({ code }) => {
    throw new Error(`the server ended with code ${String(code)}: ${running.stderr()}`);
  });
  ended.catch(() => undefined);
  const { port } = await Promise.race([running.logged('listening'), ended]);
  const address = `127.0.0.1:${String(port)}`;
  const client = connect(address);
  const stub = new LogahService(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return {
    ...running,
    address,
    client,
    stub,
    stop: () => {
      client.close();
      stub.close();
      running.kill('SIGTERM');
      return running.exit;
    },
  };
}

/** Runs `logah serve` until it ends by itself. */
export async function serveUntilEnd(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Exit & { readonly stderr: string }> {
  const defaults = ['--address', '127.0.0.1:0', '--execution-provider', 'cpu', '--metrics-address', 'off'];
  const running = run([...defaults, ...flags], environment);
  // One that listens would never end.
  running.logged('listening').then(
    () => {
      running.kill('SIGKILL');
    },
    () => undefined,
  );
  const exit = await running.exit;
  return { ...exit, stderr: running.stderr() };
}

function run(
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
  keepsLog: (entry: LogEntry) => boolean = () => true,
): Running {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    process.execPath,
    [join(DIST, 'cli', 'main.js'), 'serve', ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error('the server did not start');
  const logs: LogEntry[] = [];
  const listeners = new Set<(entry: LogEntry) => void>();
  const reader = createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as LogEntry;
    if (keepsLog(entry)) logs.push(entry);
    for (const listener of listeners) listener(entry);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
  // A test that fails must not leave servers behind.
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  void exit.then(() => process.off('exit', killAtExit));
  return {
    pid,
    logs,
    stderr: () => stderr,
    exit,
    kill: (signal) => {
      child.kill(signal);
    },
    pauseLog: () => {
      reader.pause();
    },
    resumeLog: () => {
      reader.resume();
    },
    logged: (msg, holds = () => true) =>
      new Promise((resolve) => {
        const accept = (entry: LogEntry): void => {
          if (entry.msg !== msg || !holds(entry)) return;
          listeners.delete(accept);
          resolve(entry);
        };
        listeners.add(accept);
        logs.forEach(accept);
      }),
  };
}
