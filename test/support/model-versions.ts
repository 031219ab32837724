/** Versions of the fixture's model that predict differently, and the ways in which a directory changes. */

import { cp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUNDLE } from './parity-fixtures';

/** The name of the fixture's model. */
export const MODEL = 'parity-logah';

/** What a version differs in: how predicted weights are scaled. */
export type Version = 'fan_in' | 'std';

/** Writes a version of the model, of the fixture's name or another, to a directory. */
export async function writeVersion(path: string, version: Version, name = MODEL): Promise<void> {
  await cp(BUNDLE, path, { recursive: true });
  const file = join(path, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { name: string; hypernet: object };
  manifest.name = name;
  manifest.hypernet = { ...manifest.hypernet, normalization: version };
  await writeFile(file, JSON.stringify(manifest));
}

/** Puts another version in a directory's place, as a copy that is renamed once it is whole. */
export async function replaceBy(path: string, version: Version, name = MODEL): Promise<void> {
  const next = join(dirname(path), '.next');
  const old = join(dirname(path), '.old');
  await writeVersion(next, version, name);
  await rename(path, old);
  await rename(next, path);
  await rm(old, { recursive: true });
}

/** Lets a link lead to another directory, in one step. */
export async function relink(link: string, target: string): Promise<void> {
  await symlink(target, `${link}.next`);
  await rename(`${link}.next`, link);
}

/** Breaks a bundle where it lies. */
export async function breakBundle(path: string): Promise<void> {
  const file = join(path, 'encoder.onnx');
  const bytes = await readFile(file);
  bytes[1000] = (bytes[1000] ?? 0) ^ 0xff;
  await writeFile(file, bytes);
}
