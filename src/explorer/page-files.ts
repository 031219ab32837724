/** Files that are served as they are: small enough to lie in memory, compressed once. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** A file as it is served. */
export interface ServedFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Compressed; undefined where that is not smaller. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
  /** Whether its name changes whenever its content does. */
  readonly isImmutable: boolean;
}

/** Files by their path, which begins with a slash. */
export type ServedFiles = ReadonlyMap<string, ServedFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

const compress = promisify(gzip);

/** A file from its content. `type` is its media type. */
export async function servedFile(bytes: Buffer, type: string, isImmutable = false): Promise<ServedFile> {
  const gzipped = await compress(bytes, { level: 9 });
  return {
    type,
    bytes,
    gzipped: gzipped.length < bytes.length ? gzipped : undefined,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isImmutable,
  };
}

/** All files below a directory, under the paths that they have there. Rejects with the system's error. */
export async function readServedFiles(directory: string): Promise<ServedFiles> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map(async (entry): Promise<[string, ServedFile]> => {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(directory.length).split(sep).join('/');
      const type = TYPES[extname(entry.name)] ?? 'application/octet-stream';
      return [path, await servedFile(await readFile(file), type, path.startsWith('/assets/'))];
    });
  return new Map(await Promise.all(files));
}
