/** Model bundles on disk: a directory with a manifest and the files that it vouches for. */

import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LogahError } from '../errors';
import { EXPANSION_FILE, parseManifest, type Manifest } from './manifest';

const MANIFEST = 'manifest.json';

/** A bundle whose files are there and have the hashes that the manifest names. */
export interface Bundle {
  readonly manifest: Manifest;
  /** Directory of the files. */
  readonly directory: string;
  /** Lower-case hexadecimal SHA-256 over the hypernetwork's configuration and its files' hashes. */
  readonly fingerprint: string;
  /** The decoder's last layer, [ck, rank] and [ck]; undefined where the bundle has no such file. */
  readonly expansion?: ExpansionFile | undefined;
}

/** A file whose content is known by its digest. */
export interface ExpansionFile {
  readonly path: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** All bundles of a server, by name. */
export type Bundles = ReadonlyMap<string, Bundle>;

/**
 * Opens every bundle of a directory, or the one that the directory is. Throws LogahError (failed_precondition) that
 * names the bundle and the fault.
 */
export async function openBundles(directory: string): Promise<Bundles> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new LogahError('failed_precondition', `models directory ${directory} cannot be read`, { cause });
  });
  const isBundle = entries.some((entry) => entry.name === MANIFEST);
  const opened = await Promise.all(
    (isBundle ? [directory] : await bundlePaths(directory, entries)).map(openBundle),
  );
  const bundles = new Map<string, Bundle>();
  for (const bundle of opened.sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1))) {
    const { name } = bundle.manifest;
    const same = bundles.get(name);
    if (same !== undefined) {
      throw new LogahError(
        'failed_precondition',
        `${same.directory} and ${bundle.directory} are both named ${name}; names must differ`,
      );
    }
    bundles.set(name, bundle);
  }
  if (bundles.size === 0) {
    throw new LogahError('failed_precondition', `models directory ${directory} holds no model bundle`);
  }
  return bundles;
}

/** The directories among the entries, and links to directories; not those that a file system or an orchestrator keeps. */
async function bundlePaths(directory: string, entries: readonly Dirent[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { name } of entries) {
    if (name.startsWith('.') || name === 'lost+found') continue;
    const path = join(directory, name);
    const found = await stat(path).catch((cause: unknown) => {
      throw new LogahError('failed_precondition', `${path} cannot be read`, { cause });
    });
    if (found.isDirectory()) paths.push(path);
  }
  return paths;
}

/** Opens one bundle and checks its files. Throws LogahError (failed_precondition) that names the file and the fault. */
export async function openBundle(directory: string): Promise<Bundle> {
  const path = join(directory, MANIFEST);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LogahError('failed_precondition', `${path} cannot be read`, { cause });
  });
  const manifest = parseManifest(text, path);
  for (const [name, expected] of Object.entries(manifest.files)) {
    await checkFile(join(directory, basename(name)), expected);
  }
  const files = Object.entries(manifest.files).map(([name, file]) => [name, file.sha256]);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([manifest.name, manifest.hypernet, files.sort()]))
    .digest('hex');
  const expansion = manifest.files[EXPANSION_FILE];
  return {
    manifest,
    directory,
    fingerprint,
    expansion: expansion && { path: join(directory, EXPANSION_FILE), sha256: expansion.sha256 },
  };
}

async function checkFile(path: string, expected: { sha256: string; bytes: number }): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new LogahError('failed_precondition', `${path} is missing, though the manifest names it`, {
      cause,
    });
  });
  if (found.size !== expected.bytes) {
    throw new LogahError(
      'failed_precondition',
      `${path} has ${found.size} bytes; the manifest says ${expected.bytes}`,
    );
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const digest = hash.digest('hex');
  if (digest !== expected.sha256) {
    throw new LogahError(
      'failed_precondition',
      `${path} has SHA-256 ${digest}; the manifest says ${expected.sha256}`,
    );
  }
}
