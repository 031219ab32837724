import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LogahError } from '../errors';
import { isSystemError, withFileErrors } from '../system-error';

/**
 * Runs `fill` with the directory in place. Where that fails, directories that were made for it and are still empty go
 * again. Throws LogahError where `path` cannot be a directory.
 */
export async function withOutputDirectory<Result>(
  path: string,
  fill: () => Promise<Result>,
): Promise<Result> {
  const made: string[] = [];
  try {
    await makeDirectory(path, made);
    return await fill();
  } catch (error) {
    await removeEmpty(made);
    throw error;
  }
}

/**
 * Makes what is missing below the nearest parent that is there, one directory after the other, and adds them to `made`.
 * Node.js's own recursive mkdir never ends in a file system that says of a new directory that its parent is not there,
 * as `/proc` does.
 */
async function makeDirectory(path: string, made: string[]): Promise<void> {
  const missing: string[] = [];
  let parent = resolve(path);
  for (;;) {
    const stats = await stat(parent).catch(absent);
    if (stats?.isDirectory() === false) {
      const what = parent === resolve(path) ? path : `${path} lies below ${parent}, which`;
      throw new LogahError('failed_precondition', `--out ${what} is a file, expected a directory`);
    }
    if (stats !== undefined || dirname(parent) === parent) break;
    missing.unshift(parent);
    parent = dirname(parent);
  }
  for (const directory of missing) {
    await withFileErrors(`make the directory ${directory}`, () => mkdirOnce(directory));
    made.push(directory);
  }
}

/** Another process may make it at the same time. */
async function mkdirOnce(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw error;
  }
}

/** What cannot be looked at is missing for now: making it says what is wrong. */
function absent(): undefined {
  return undefined;
}

/** Removes directories, the last first, as long as they are empty. */
async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const directory of [...made].reverse()) {
    try {
      await rmdir(directory);
    } catch {
      return;
    }
  }
}
