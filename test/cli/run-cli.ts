import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** What a run of `logah` came to. */
export interface CliResult {
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of `logah` in a process of its own. */
export interface CliRun {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** The compiled program. */
export const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** Starts the compiled `logah`. Its streams are pipes, not terminals. */
export function startCli(...args: string[]): CliRun {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // What a test has set.
    env: process.env,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  return { child, result };
}

export function runCli(...args: string[]): Promise<CliResult> {
  return startCli(...args).result;
}
