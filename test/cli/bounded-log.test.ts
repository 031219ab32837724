/** A log that nobody reads for a while, in a process of its own with a real pipe. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(__dirname, '..', '..');
const LINES = 30_000;

/** Says so much at once that no pipe takes it, and when it has. */
const TALKATIVE = `
  const { boundedLog } = require('./src/cli/bounded-log.ts');
  const log = boundedLog('info');
  for (let line = 0; line < ${LINES}; line++) log.info({ line, text: 'x'.repeat(1000) }, 'said');
  process.stderr.write('all is said');
  process.stdin.resume().once('end', () => process.exit(0));
`;

it('loses lines rather than memory, and says how many when it is read again', async () => {
  const child = spawn(process.execPath, ['-r', './bench/register.cjs', '-e', TALKATIVE], {
    cwd: ROOT,
    stdio: 'pipe',
  });
  await once(child.stderr, 'data');
  let said = 0;
  let lost = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { readonly msg: string; readonly lines?: number };
    if (entry.msg === 'said') said++;
    else lost = entry.lines ?? 0;
    if (lost > 0) break;
  }
  expect(said).toBeGreaterThan(1000);
  expect(said + lost).toBe(LINES);
  const exited = once(child, 'exit');
  child.stdin.end();
  await exited;
});
