/** Files under construction: what they are called, and which of them nobody will finish. */

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A file of another machine, whose processes cannot be seen, is left over when nobody has written to it for so long. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Of this process, not finished yet. */
const own = new Set<string>();

/** Tells machines, and containers, apart that share a file system. */
const HOST = shortDigest(hostname());

/**
 * Tells what was written since this machine started, by processes that can be seen from here: those of another container
 * may be at work though they cannot. Undefined where the system does not say (other than Linux).
 */
const BOOT = bootDigest();

/** `<host>-<process>-<random>`, and of files that are written in order `-<boot>`. */
const WRITER = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{8}(?:-([0-9a-f]{8}))?\.partial$/;

/** A name beside `path` that says who writes it, and whether it is written in order, so that another may go on with it. */
export function newPartialPath(path: string, isInOrder = false): string {
  const since = isInOrder && BOOT !== undefined ? `-${BOOT}` : '';
  const partial = `${path}.${HOST}-${process.pid}-${randomUUID().slice(0, 8)}${since}.partial`;
  own.add(partial);
  return partial;
}

/** The file is finished, or removed. */
export function forgetPartial(partial: string): void {
  own.delete(partial);
}

/**
 * Files that were to become `path`, written in order by processes of this machine and container that were killed, the newest first. None of
 * before it started: of those, what was not on disk yet may be missing in their middle.
 */
export async function interruptedFiles(path: string): Promise<readonly string[]> {
  const found: { readonly partial: string; readonly changed: number }[] = [];
  for (const { partial, writer } of await leftOver(path)) {
    const [, host, , boot] = WRITER.exec(writer) ?? [];
    const stats = await stat(partial).catch(() => undefined);
    if (stats && host === HOST && boot !== undefined && boot === BOOT) {
      found.push({ partial, changed: stats.mtimeMs });
    }
  }
  return found.sort((one, other) => other.changed - one.changed).map(({ partial }) => partial);
}

/** Removes the files that were to become `path` and that no process writes any more. What cannot be removed stays. */
export async function removeLeftOver(path: string): Promise<void> {
  for (const { partial } of await leftOver(path)) await rm(partial, { force: true }).catch(() => undefined);
}

/** A file under construction, and what its name says behind `NAME.`. */
interface Construction {
  readonly partial: string;
  readonly writer: string;
}

async function leftOver(path: string): Promise<readonly Construction[]> {
  const [directory, start] = [dirname(path), `${basename(path)}.`];
  const found: Construction[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(start)) continue;
    const construction = { partial: join(directory, name), writer: name.slice(start.length) };
    if (await isLeftOver(construction)) found.push(construction);
  }
  return found;
}

async function isLeftOver({ partial, writer }: Construction): Promise<boolean> {
  if (own.has(partial)) return false;
  const [, host, pid] = WRITER.exec(writer) ?? [];
  // The process of that number is this one, which does not know the file, or none.
  if (host === HOST) return Number(pid) === process.pid || !isAlive(Number(pid));
  if (host === undefined && !/^[0-9a-f]{8}\.partial$/.test(writer)) return false;
  const stats = await stat(partial).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS;
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function bootDigest(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return shortDigest(`${boot} ${readlinkSync('/proc/self/ns/pid')}`);
  } catch {
    return undefined;
  }
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
