/** The processes that are measured: the service, the ceiling's server, and their client. */

import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Job, Outcome } from './client';

const REGISTER = join(__dirname, 'register.cjs');

/** The compiled command line of a build. */
export function mainOf(build: string): string {
  return join(build, 'cli', 'main.js');
}

/** A process of ours. */
export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface RunningServer extends Running {
  readonly target: string;
}

/** Starts `logah serve` with a directory of models; `flags` are further flags of the command. */
export async function startService(
  build: string,
  models: string,
  flags: readonly string[] = [],
): Promise<RunningServer> {
  const args = ['serve', '--address', '127.0.0.1:0', '--models', models, '--execution-provider', 'cpu'];
  const child = spawn(process.execPath, [mainOf(build), ...args, ...flags, '--parent-watch'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== 'listening') continue;
    child.stdout.resume();
    return { ...running(child), target: `127.0.0.1:${port}` };
  }
  throw new Error('the service ended before it listened');
}

/** Starts the ceiling's server. */
export async function startCeiling(): Promise<RunningServer> {
  const child = fork(join(__dirname, 'ceiling-server.ts'), { execArgv: ['-r', REGISTER] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { ...running(child), target: `127.0.0.1:${port}` };
}

/** A client that does one job after the other. */
export interface RunningClient extends Running {
  perform(job: Job): Promise<Outcome>;
}

export function startClient(): RunningClient {
  const child = fork(join(__dirname, 'client.ts'), { execArgv: ['-r', REGISTER], serialization: 'advanced' });
  return {
    ...running(child),
    perform: async (job) => {
      const given = new AbortController();
      const { signal } = given;
      const ended = once(child, 'exit', { signal }).then(() => {
        throw new Error(`the client failed at a job of kind ${job.kind}`);
      });
      ended.catch(() => undefined);
      child.send(job);
      try {
        const [outcome] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Outcome];
        return outcome;
      } finally {
        given.abort();
      }
    },
  };
}

function running(child: ChildProcess): Running {
  const { pid } = child;
  if (pid === undefined) throw new Error('a process did not start');
  return {
    pid,
    stop: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      if (child.connected) child.disconnect();
      else child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Forgets a process's peak of resident memory, so that the next reading is of what came after; Linux only. */
export function resetPeakMemory(pid: number): void {
  if (existsSync(`/proc/${pid}/clear_refs`)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Seconds of processor time that a process has used, all of its threads together; Linux only. */
export function processorSeconds(pid: number): number | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const fields = readFileSync(path, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // Fields 14 and 15 of the line, in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** As `processorSeconds`, of the threads that there are now, to the nanosecond rather than to the tick. */
export function threadSeconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return NaN;
  return readdirSync(tasks).reduce((sum, thread) => {
    const [nanoseconds] = readFileSync(join(tasks, thread, 'schedstat'), 'utf8').split(' ');
    return sum + Number(nanoseconds) / 1e9;
  }, 0);
}
