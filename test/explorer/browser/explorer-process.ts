/** `logah explore` in a process of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST } from '../../support/server-process';

/** An explorer that listens. */
export interface ExplorerProcess {
  /** With a slash at its end. */
  readonly url: string;
  readonly stop: () => Promise<number | null>;
}

/** Starts `logah explore` with these arguments and waits for its address. */
export async function startExplorer(parameters: readonly string[]): Promise<ExplorerProcess> {
  const child = spawn(process.execPath, [join(DIST, 'cli', 'main.js'), 'explore', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`logah explore ended with code ${String(code)}: ${stderr}`);
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  return {
    url: line.trim(),
    stop: async () => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}
