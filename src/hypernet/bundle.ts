/** A model bundle on disk: a directory with a manifest and the files that it vouches for. */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LogahError } from '../errors';
import { externalData } from '../onnx-file/external-data';
import { fileSource } from '../onnx-file/file-source';
import { WireError } from '../onnx-file/wire';
import { quoted } from '../untrusted-text';
import { parseManifest, type Manifest } from './manifest';
import { EXPANSION_FILE } from './required-files';

/** The file that makes a directory a bundle. */
export const MANIFEST = 'manifest.json';

/** A manifest is a page; this bounds what a wrong file takes. */
const MAX_MANIFEST_BYTES = 2 ** 20;

/** What is read of a file at a time. */
const READ_BYTES = 2 ** 18;

/** A bundle whose files are there and have the hashes that the manifest names. */
export interface Bundle {
  readonly manifest: Manifest;
  /** Directory of the files. */
  readonly directory: string;
  /** Lower-case hexadecimal SHA-256 over the hypernetwork's configuration and its files' hashes. */
  readonly fingerprint: string;
  /** The decoder's last layer, [ck, rank] and [ck]; undefined where the bundle has no such file. */
  readonly expansion?: ExpansionFile | undefined;
  /** A start that a formula gives, in a model's place: it has no files. Undefined: a model. */
  readonly builtIn?: boolean | undefined;
}

/** A file whose content is known by its digest. */
export interface ExpansionFile {
  readonly path: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** What there is in a file's place; undefined: the file. */
  readonly content?: Uint8Array | undefined;
}

/**
 * All bundles of a server, by what answers to a request that names it: the model's name, or, for further bundles of that
 * name, `exactName`.
 */
export type Bundles = ReadonlyMap<string, Bundle>;

/**
 * Opens one bundle and checks its files. Where the directory is a link, the bundle is what it leads to now, wherever it
 * leads later. Throws LogahError (failed_precondition) that names the file and the fault.
 */
export async function openBundle(path: string): Promise<Bundle> {
  const directory = await realpath(path).catch((cause: unknown) => {
    throw new LogahError('failed_precondition', `${path} cannot be read`, { cause });
  });
  return openDirectory(directory);
}

async function openDirectory(directory: string): Promise<Bundle> {
  const path = join(directory, MANIFEST);
  const unreadable = (cause: unknown): never => {
    throw new LogahError('failed_precondition', `${path} cannot be read`, { cause });
  };
  const { size } = await stat(path).catch(unreadable);
  if (size > MAX_MANIFEST_BYTES) {
    throw new LogahError(
      'failed_precondition',
      `${path} has ${size} bytes; at most ${MAX_MANIFEST_BYTES} are allowed`,
    );
  }
  const text = await readFile(path, 'utf8').catch(unreadable);
  const manifest = parseManifest(text, path);
  const memory = Buffer.allocUnsafeSlow(READ_BYTES);
  for (const [name, expected] of Object.entries(manifest.files)) {
    await checkFile(join(directory, basename(name)), expected, memory);
  }
  for (const name of Object.keys(manifest.files)) {
    if (name.endsWith('.onnx')) checkExternalData(directory, name, manifest);
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

/** `memory`: what the file is read into, piece by piece. */
async function checkFile(
  path: string,
  expected: { sha256: string; bytes: number },
  memory: Buffer,
): Promise<void> {
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
  const digest = await digestOf(path, memory);
  if (digest !== expected.sha256) {
    throw new LogahError(
      'failed_precondition',
      `${path} has SHA-256 ${digest}; the manifest says ${expected.sha256}`,
    );
  }
}

/** A stream would take fresh memory for each piece, and a server that loads models again and again would hold it all. */
async function digestOf(path: string, memory: Buffer): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(memory, 0, memory.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(memory.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Data that an ONNX file takes from elsewhere is as much the model as the file itself, so the manifest must vouch for it. */
function checkExternalData(directory: string, name: string, { files }: Manifest): void {
  const path = join(directory, name);
  const descriptor = openSync(path, 'r');
  try {
    const locations = externalData(fileSource(descriptor, fstatSync(descriptor).size));
    for (const location of locations) {
      if (Object.hasOwn(files, location)) continue;
      throw new LogahError(
        'failed_precondition',
        `${path} takes data from ${quoted(location)}, which the manifest does not list in files`,
      );
    }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new LogahError('failed_precondition', `${path} is no ONNX file: ${cause.message}`, { cause });
  } finally {
    closeSync(descriptor);
  }
}
