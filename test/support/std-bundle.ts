import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface BundleManifest {
  readonly hypernet: object;
}

/** Copies a bundle as one that is called `name` and normalises by standard deviation. */
export async function copyAsStd(source: string, directory: string, name: string): Promise<void> {
  await cp(source, directory, { recursive: true });
  const path = join(directory, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as BundleManifest;
  const hypernet = { ...manifest.hypernet, normalization: 'std' };
  await writeFile(path, JSON.stringify({ ...manifest, name, hypernet }));
}
