import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle } from '../../src/hypernet/bundle';
import { BUNDLE } from '../support/parity-fixtures';
import { delimited, number, text } from '../support/protobuf';
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

/** Lists a file in the manifest as it is on disk. */
async function list(bundle: string, name: string): Promise<void> {
  const content = await readFile(join(bundle, name));
  const sha256 = createHash('sha256').update(content).digest('hex');
  await edit(bundle, (manifest) => {
    (manifest.files as Record<string, unknown>)[name] = { sha256, bytes: content.length };
  });
}

/** A copy whose product takes an initializer's data from `location`. */
async function withExternalData(location: string): Promise<string> {
  const copy = await copied();
  const path = join(copy, 'product.onnx');
  const entry = delimited(13, text(1, 'location'), text(2, location));
  const initializer = delimited(5, number(1, 1), number(2, 1), text(8, 'outside'), entry, number(14, 1));
  // The graph's field again: protobuf reads both as one graph.
  await writeFile(path, Buffer.concat([await readFile(path), delimited(7, initializer)]));
  await list(copy, 'product.onnx');
  return copy;
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

  it('whose ONNX file takes data from a file that the manifest does not list is refused', async () => {
    const copy = await withExternalData('weights.data');
    await writeFile(join(copy, 'weights.data'), 'abcd');
    await refused(
      () => openBundle(copy),
      `${join(copy, 'product.onnx')} takes data from "weights.data", which the manifest does not list in files`,
    );
  });

  it.each(['./weights.data', '../weights.data', '/etc/hostname', 'constructor', '__proto__', ''])(
    'is not vouched for by a manifest where its ONNX file takes data from "%s"',
    async (location) => {
      const copy = await withExternalData(location);
      await writeFile(join(copy, 'weights.data'), 'abcd');
      await list(copy, 'weights.data');
      await refused(
        () => openBundle(copy),
        `takes data from "${location}", which the manifest does not list`,
      );
    },
  );

  it('has a fingerprint of the data that its ONNX files take from elsewhere, and is refused where that differs', async () => {
    const copy = await withExternalData('weights.data');
    await writeFile(join(copy, 'weights.data'), 'abcd');
    await list(copy, 'weights.data');
    const { fingerprint } = await openBundle(copy);
    await writeFile(join(copy, 'weights.data'), 'abce');
    await refused(() => openBundle(copy), `${join(copy, 'weights.data')} has SHA-256`);
    await list(copy, 'weights.data');
    expect((await openBundle(copy)).fingerprint).not.toBe(fingerprint);
  });

  it('with a manifest of 200 MB is refused by its size, before it is read', async () => {
    const copy = await copied();
    // Of zeros that take no room on disk; text that was read would be said to be no JSON.
    await truncate(join(copy, 'manifest.json'), 200_000_000);
    await refused(
      () => openBundle(copy),
      `${join(copy, 'manifest.json')} has 200000000 bytes; at most 1048576 are allowed`,
    );
  });

  it('behind a link is what the link leads to now', async () => {
    const link = join(directory, 'model');
    await symlink(await copied('first'), link);
    const bundle = await openBundle(link);
    await symlink(await copied('second'), join(directory, 'next'));
    await rename(join(directory, 'next'), link);
    expect(bundle.directory).toBe(join(directory, 'first'));
    expect((await openBundle(link)).directory).toBe(join(directory, 'second'));
  });
});
