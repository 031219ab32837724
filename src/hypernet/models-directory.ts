/** A directory of model bundles as it is now, and whether it has changed since. */

import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LogahError } from '../errors';
import { quoted } from '../untrusted-text';
import { MANIFEST, openBundle, type Bundle } from './bundle';

/** Names other than the models' own, beside the bundles: `{"default": "name", "stable": "name@fingerprint"}`. */
export const ALIASES_FILE = 'aliases.json';

const MAX_ALIASES_BYTES = 2 ** 16;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const REFERENCE = /^[a-z0-9][a-z0-9._-]{0,63}(?:@[0-9a-f]{4,64})?$/;

const aliases = z
  .record(
    z.string(),
    z.string().regex(REFERENCE, 'must be a model, NAME or NAME@FINGERPRINT with 4 to 64 hexadecimal digits'),
  )
  .superRefine((fields, context) => {
    for (const name of Object.keys(fields).filter((key) => !NAME.test(key))) {
      context.addIssue({ code: 'custom', path: [name], message: 'must be a name such as models have' });
    }
  });

/** What each alias stands for. */
export type Aliases = ReadonlyMap<string, string>;

/** One directory that is, or should be, a bundle. */
export interface FoundBundle {
  readonly path: string;
  /** Differs where anything of the directory has changed. */
  readonly signature: string;
}

/** What lies in a models directory. */
export interface ModelsDirectory {
  /** In order of their paths. */
  readonly found: readonly FoundBundle[];
  /** Of the file of aliases; empty where there is none. */
  readonly aliasesSignature: string;
}

/** Looks at a directory of bundles, or at the one that it is. Throws LogahError (failed_precondition) where it cannot be read. */
export async function lookAt(directory: string): Promise<ModelsDirectory> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new LogahError('failed_precondition', `models directory ${directory} cannot be read`, { cause });
  });
  const isBundle = entries.some((entry) => entry.name === MANIFEST);
  const paths = isBundle ? [directory] : await bundlePaths(directory, entries);
  const found = await Promise.all(
    paths.sort().map(async (path) => ({ path, signature: await signatureOf(path) })),
  );
  return { found, aliasesSignature: await fileSignature(join(directory, ALIASES_FILE)) };
}

/** Whether two looks saw the same. */
export function isSame(one: ModelsDirectory, other: ModelsDirectory): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Opens every bundle of a directory. Throws LogahError (failed_precondition) that names the bundle and the fault. */
export async function openBundles(directory: string): Promise<Bundle[]> {
  const { found } = await lookAt(directory);
  if (found.length === 0) throw noBundle(directory);
  return Promise.all(found.map(({ path }) => openBundle(path)));
}

/** The error for a directory without bundles. */
export function noBundle(directory: string): LogahError {
  return new LogahError('failed_precondition', `models directory ${directory} holds no model bundle`);
}

/** Reads the file of aliases, where there is one. Throws LogahError (failed_precondition) that names what is wrong with it. */
export async function readAliases(directory: string): Promise<Aliases> {
  const path = join(directory, ALIASES_FILE);
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) return new Map();
  const refuse = (reason: string, cause?: unknown): never => {
    throw new LogahError('failed_precondition', `${path}: ${reason}`, { cause });
  };
  if (size > MAX_ALIASES_BYTES) return refuse(`has ${size} bytes; at most ${MAX_ALIASES_BYTES} are allowed`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    return refuse('not JSON', cause);
  }
  const result = aliases.safeParse(value);
  if (result.success) return new Map(Object.entries(result.data));
  const faults = result.error.issues.map(({ path: at, message }) => [...at.map(quoted), message].join(': '));
  return refuse(faults.join('; '));
}

/** The directories among the entries, and links to directories; not those that a file system or an orchestrator keeps. */
async function bundlePaths(directory: string, entries: readonly Dirent[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { name } of entries) {
    if (name.startsWith('.') || name === 'lost+found') continue;
    const path = join(directory, name);
    // What leads nowhere is told of when it is opened.
    const isFile = await stat(path).then(
      (found) => !found.isDirectory(),
      () => false,
    );
    if (!isFile) paths.push(path);
  }
  return paths;
}

/** Where the directory leads, and what tells its files from others of the same names. */
async function signatureOf(path: string): Promise<string> {
  const missing = (): string => 'missing';
  const target = await realpath(path).catch(missing);
  const names = await readdir(path).catch(() => []);
  const files = await Promise.all(names.sort().map((name) => fileSignature(join(path, name))));
  return JSON.stringify([target, names, files]);
}

/** Also where a file is replaced by one of the same size and date, the time of its last change of any kind differs. */
async function fileSignature(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(
    ({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(' '),
    () => '',
  );
}
