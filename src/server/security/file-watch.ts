/**
 * Notices when files change, also where a link on the way to them is turned to another directory, as the kubelet and
 * others replace several files at once.
 */

import { watch, type FSWatcher } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, parse, resolve, sep } from 'node:path';

/** Changes come in bursts; the last of one counts. */
const SETTLE_MS = 100;

/** Some file systems tell of no change. */
const POLL_MS = 30_000;

/** As in the kernel: links that lead on to links. */
const MAX_LINKS = 40;

/** Calls back after something happened near files; whether they changed is for their reader to find out. */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #closed = false;

  /** `onChange` is also called every half a minute. */
  private constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#poll = setInterval(() => {
      this.#noticed();
    }, POLL_MS);
    this.#poll.unref();
  }

  /** Resolves when it watches; what changes from then on is noticed. */
  static async start(paths: readonly string[], onChange: () => void): Promise<FileWatch> {
    const fileWatch = new FileWatch(paths, onChange);
    await fileWatch.#arm();
    return fileWatch;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #noticed(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      // A link may lead elsewhere now, and what lies there may change while it is looked at: first watch, then tell.
      void this.#arm().then(() => {
        if (!this.#closed) this.#onChange();
      });
    }, SETTLE_MS);
    this.#settling.unref();
  }

  /** Watches the directories that lead to the files today. */
  async #arm(): Promise<void> {
    const wanted = new Set((await Promise.all(this.#paths.map(directoriesTo))).flat());
    if (this.#closed) return;
    // The directory of a name may be another one now, under the same name.
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    for (const directory of wanted) this.#watch(directory);
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#noticed();
      });
      watcher.on('error', () => {
        watcher.close();
      });
      this.#watchers.set(directory, watcher);
    } catch {
      // It is not there, or cannot be watched; there is still the poll.
    }
  }
}

/** The directories that hold the links on the way to a file, and the file. */
async function directoriesTo(path: string): Promise<string[]> {
  const directories = new Set<string>();
  const { root } = parse(resolve(path));
  let names = resolve(path).slice(root.length).split(sep);
  let at = root;
  let links = 0;
  while (names.length > 0) {
    const [name = '', ...rest] = names;
    const next = join(at, name);
    const found = await lstat(next).catch(() => undefined);
    if (found === undefined || rest.length === 0) directories.add(at);
    if (found === undefined) break;
    if (found.isSymbolicLink() && ++links <= MAX_LINKS) {
      directories.add(at);
      const target = resolve(dirname(next), await readlink(next).catch(() => name));
      if (target === next) break;
      const { root: top } = parse(target);
      names = [...target.slice(top.length).split(sep), ...rest];
      at = top;
    } else {
      names = rest;
      at = next;
    }
  }
  return [...directories];
}
