/** Files under construction: what they are called, and which of them nobody will finish. */

import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A file of another machine, whose processes cannot be seen, is left over when nobody has written to it for so long. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Of this process, not finished yet. */
const own = new Set<string>();

/** Tells machines, and containers, apart that share a file system. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** A name beside `path` that says who writes it: `NAME.<host>-<process>-<random>.partial`. */
export function newPartialPath(path: string): string {
  const partial = `${path}.${HOST}-${process.pid}-${randomUUID().slice(0, 8)}.partial`;
  own.add(partial);
  return partial;
}

/** The file is finished, or removed. */
export function forgetPartial(partial: string): void {
  own.delete(partial);
}

/** Removes the files that were to become `path` and that no process writes any more. What cannot be removed stays. */
export async function removeLeftOver(path: string): Promise<void> {
  const directory = dirname(path);
  for (const name of await readdir(directory).catch(() => [])) {
    const partial = join(directory, name);
    if (!(await isLeftOver(partial, name, basename(path)))) continue;
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

async function isLeftOver(partial: string, name: string, wanted: string): Promise<boolean> {
  if (!name.startsWith(`${wanted}.`) || own.has(partial)) return false;
  const writer = name.slice(wanted.length + 1);
  const [, host, pid] = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.partial$/.exec(writer) ?? [];
  // The process of that number is this one, which does not know the file, or none.
  if (host === HOST) return Number(pid) === process.pid || !isAlive(Number(pid));
  if (host === undefined && !/^[0-9a-f]{8}\.partial$/.test(writer)) return false;
  const stats = await stat(partial).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it, so it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
