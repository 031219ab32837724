import { constants, copyFile, link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forgetPartial, interruptedFiles, newPartialPath, removeLeftOver } from './left-over';

/**
 * A file under construction beside its final place: `NAME.<who writes it>.partial`. It appears under its name all at once and
 * on disk (`commit`), or not at all (`discard`).
 */
export class PartialFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: FileHandle;

  private constructor(path: string, partial: string, file: FileHandle) {
    this.#path = path;
    this.#partial = partial;
    this.#file = file;
  }

  /** Removes what killed processes have left of it. Throws the file system's errors, as all methods do. */
  static async create(path: string): Promise<PartialFile> {
    await removeLeftOver(path);
    const partial = newPartialPath(path);
    return new PartialFile(path, partial, await open(partial, 'wx'));
  }

  /** A file that is written in order, with what an earlier run kept of it, or had written when it was killed. */
  static async adopt(path: string): Promise<PartialFile> {
    const partial = newPartialPath(path, true);
    try {
      let flags = 'wx';
      for (const earlier of [`${path}.partial`, ...(await interruptedFiles(path))]) {
        if (!(await take(earlier, partial))) continue;
        flags = 'r+';
        break;
      }
      await removeLeftOver(path);
      return new PartialFile(path, partial, await open(partial, flags));
    } catch (error) {
      forgetPartial(partial);
      throw error;
    }
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async truncate(length: number): Promise<void> {
    await this.#file.truncate(length);
  }

  /** The first `length` bytes, or what there is of them. */
  async read(length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file.read(buffer, done, length - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  /** Writes all of `bytes` at `position`; default: behind what was written last without one. */
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const at = position === undefined ? null : position + done;
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
      done += bytesWritten;
    }
  }

  /** Puts the content on disk, awaits `before`, and puts the file in its place, over one that is there. */
  async commit(before?: () => Promise<void>): Promise<void> {
    await this.#file.sync();
    await before?.();
    await this.#file.close();
    await rename(this.#partial, this.#path);
    forgetPartial(this.#partial);
    await syncDirectory(dirname(this.#path));
  }

  /** Puts the content on disk and the file in its place; false, and nothing is left, where one is there already. */
  async commitNew(): Promise<boolean> {
    await this.#file.sync();
    await this.#file.close();
    const isNew = await placeNew(this.#partial, this.#path);
    await rm(this.#partial, { force: true });
    forgetPartial(this.#partial);
    if (isNew) await syncDirectory(dirname(this.#path));
    return isNew;
  }

  /** Puts what was written on disk and leaves it as `NAME.partial`, to be adopted. */
  async keep(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#partial, `${this.#path}.partial`);
    forgetPartial(this.#partial);
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#partial, { force: true });
    forgetPartial(this.#partial);
  }
}

/** Renames a file; false where there is none. Of several processes, one alone gets true. */
async function take(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Of several processes, one alone gets true. */
async function placeNew(partial: string, path: string): Promise<boolean> {
  try {
    // Unlike a copy, it has all of its content as soon as it can be seen; not every file system has links.
    await link(partial, path).catch(async (error: unknown) => {
      if (isThere(error)) throw error;
      await copyFile(partial, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    throw error;
  }
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** Puts a directory's entries on disk, where the system can (Windows cannot); the file is in its place already. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/**
 * Writes a file through `write`, and awaits `before` when all is on disk and only the name is missing; where one fails,
 * nothing is left and the error is thrown on.
 */
export async function writeWhole<Result>(
  path: string,
  write: (file: PartialFile) => Promise<Result>,
  before?: () => Promise<void>,
): Promise<Result> {
  const file = await PartialFile.create(path);
  try {
    const result = await write(file);
    await file.commit(before);
    return result;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Writes a file unless one is there, which two processes never both do; whether it was written. */
export async function writeNew(path: string, content: Uint8Array): Promise<boolean> {
  const file = await PartialFile.create(path);
  try {
    await file.write(content);
    return await file.commitNew();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
