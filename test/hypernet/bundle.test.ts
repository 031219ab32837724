import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle, openBundles } from '../../src/hypernet/bundle';
import { BUNDLE, GHN3_BUNDLE } from '../support/parity-fixtures';
import { refusalOf } from '../support/refusal';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-bundle-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function copied(name = 'copy'): Promise<string> {
  const path = join(directory, name);
  await cp(BUNDLE, path, { recursive: true });
  return path;
}

async function edit(bundle: string, change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(bundle, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

async function refused(act: () => unknown, ...parts: string[]): Promise<void> {
  const error = await refusalOf(act);
  expect(error.kind).toBe('failed_precondition');
  for (const part of parts) expect(error.message).toContain(part);
}

describe('a bundle', () => {
  it('has a fingerprint of its content, not of its place or its description', async () => {
    const { fingerprint } = await openBundle(BUNDLE);
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const copy = await copied();
    await edit(copy, (manifest) => (manifest.description = 'another'));
    expect((await openBundle(copy)).fingerprint).toBe(fingerprint);
    await edit(copy, (manifest) => (manifest.name = 'another'));
    expect((await openBundle(copy)).fingerprint).not.toBe(fingerprint);
  });

  it('with a file of another length is refused', async () => {
    const copy = await copied();
    await writeFile(join(copy, 'product.onnx'), 'short');
    await refused(() => openBundle(copy), join(copy, 'product.onnx'), 'has 5 bytes; the manifest says 334');
  });

  it('with a file of another content is refused', async () => {
    const copy = await copied();
    const path = join(copy, 'product.onnx');
    const bytes = await readFile(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await refused(() => openBundle(copy), path, 'has SHA-256', 'the manifest says b92f15c7');
  });

  it('with a missing file is refused', async () => {
    const copy = await copied();
    await rm(join(copy, 'encoder.onnx'));
    await refused(() => openBundle(copy), join(copy, 'encoder.onnx'), 'is missing');
  });

  it('cannot name files outside its directory', async () => {
    const copy = await copied();
    const outside = { sha256: 'ab'.repeat(32), bytes: 5 };
    await writeFile(join(directory, 'secret'), 'outside');
    await edit(copy, (manifest) => ((manifest.files as Record<string, unknown>)['../secret'] = outside));
    await refused(() => openBundle(copy), join(copy, 'secret'), 'is missing');
  });
});

describe('a models directory', () => {
  it('holds the bundles below it, by name, also behind links', async () => {
    await copied('b');
    await symlink(GHN3_BUNDLE, join(directory, 'a'));
    await writeFile(join(directory, 'README.md'), 'not a bundle');
    await mkdir(join(directory, '.cache'));
    await mkdir(join(directory, 'lost+found'));
    expect([...(await openBundles(directory)).keys()]).toEqual(['parity-ghn3', 'parity-logah']);
  });

  it('may itself be a bundle', async () => {
    expect([...(await openBundles(BUNDLE)).keys()]).toEqual(['parity-logah']);
  });

  it('that is empty, or not there, is refused', async () => {
    await refused(() => openBundles(directory), directory, 'holds no model bundle');
    await refused(() => openBundles(join(directory, 'none')), join(directory, 'none'), 'cannot be read');
  });

  it('with two bundles of one name is refused, naming both', async () => {
    const one = await copied('one');
    const two = await copied('two');
    await refused(() => openBundles(directory), one, two, 'are both named parity-logah');
  });

  it('with a directory that is not a bundle is refused', async () => {
    await copied();
    await mkdir(join(directory, 'stray'));
    await refused(() => openBundles(directory), join(directory, 'stray', 'manifest.json'), 'cannot be read');
  });
});
