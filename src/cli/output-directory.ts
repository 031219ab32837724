import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LogahError } from '../errors';
import { withFileErrors } from './system-error';

/**
 * Runs `fill` with the directory in place. Where that fails, directories that were made for it and are still empty go
 * again. Throws LogahError where `path` cannot be a directory.
 */
export async function withOutputDirectory<Result>(
  path: string,
  fill: () => Promise<Result>,
): Promise<Result> {
  if (await isFile(path)) {
    throw new LogahError('failed_precondition', `--out ${path} is a file, expected a directory`);
  }
  const made = await withFileErrors(`make the directory ${path}`, () => mkdir(path, { recursive: true }));
  try {
    return await fill();
  } catch (error) {
    if (made !== undefined) {
      await removeEmpty(resolve(path), resolve(made));
    }
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => !stats.isDirectory(),
    () => false,
  );
}

/** Removes `path` and its parents up to `last` as long as they are empty. */
async function removeEmpty(path: string, last: string): Promise<void> {
  try {
    await rmdir(path);
  } catch {
    return;
  }
  if (path !== last && path.length > last.length) {
    await removeEmpty(dirname(path), last);
  }
}
