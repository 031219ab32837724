import { appendFile, cp, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSame, lookAt, openBundles, readAliases } from '../../src/hypernet/models-directory';
import { BUNDLE, GHN3_BUNDLE } from '../support/parity-fixtures';
import { refusalOf } from '../support/refusal';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-models-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function copied(name: string): Promise<string> {
  const path = join(directory, name);
  await cp(BUNDLE, path, { recursive: true });
  return path;
}

async function refused(act: () => unknown, ...parts: string[]): Promise<void> {
  const error = await refusalOf(act);
  expect(error.kind).toBe('failed_precondition');
  for (const part of parts) expect(error.message).toContain(part);
}

const names = async (path: string): Promise<string[]> =>
  (await openBundles(path)).map(({ manifest }) => manifest.name);

describe('a models directory', () => {
  it('holds the bundles below it, also behind links', async () => {
    await copied('b');
    await symlink(GHN3_BUNDLE, join(directory, 'a'));
    await writeFile(join(directory, 'README.md'), 'not a bundle');
    await mkdir(join(directory, '.cache'));
    await mkdir(join(directory, 'lost+found'));
    expect(await names(directory)).toEqual(['parity-ghn3', 'parity-logah']);
  });

  it('may itself be a bundle', async () => {
    expect(await names(BUNDLE)).toEqual(['parity-logah']);
  });

  it('that is empty, or not there, is refused', async () => {
    await refused(() => openBundles(directory), directory, 'holds no model bundle');
    await refused(() => openBundles(join(directory, 'none')), join(directory, 'none'), 'cannot be read');
  });

  it('with a directory that is not a bundle is refused', async () => {
    await copied('copy');
    await mkdir(join(directory, 'stray'));
    await refused(() => openBundles(directory), join(directory, 'stray', 'manifest.json'), 'cannot be read');
  });

  it('with a link that leads nowhere is refused', async () => {
    await symlink(join(directory, 'nowhere'), join(directory, 'link'));
    await refused(() => openBundles(directory), join(directory, 'link'), 'cannot be read');
  });
});

describe('a look at a models directory sees', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['a file that grew', (path) => appendFile(join(path, 'encoder.onnx'), 'x')],
    [
      'a file that was replaced by one of the same size and date',
      async (path) => {
        const file = join(path, 'product.onnx');
        const date = new Date(2020, 1, 1);
        await utimes(file, date, date);
        await cp(file, `${file}.new`, { preserveTimestamps: true });
        await rename(`${file}.new`, file);
      },
    ],
    ['a file that went', (path) => rm(join(path, 'decoder.onnx'))],
    ['a bundle that went', (path) => rm(path, { recursive: true })],
    [
      'a bundle that came',
      async () => {
        await copied('another');
      },
    ],
    [
      'a link that leads elsewhere',
      async () => {
        await symlink(GHN3_BUNDLE, join(directory, 'next'));
        await rename(join(directory, 'next'), join(directory, 'link'));
      },
    ],
    ['a file of aliases', () => writeFile(join(directory, 'aliases.json'), '{}')],
  ])('%s', async (_, change) => {
    const path = await copied('bundle');
    await symlink(BUNDLE, join(directory, 'link'));
    const before = await lookAt(directory);
    expect(isSame(await lookAt(directory), before)).toBe(true);
    await change(path);
    expect(isSame(await lookAt(directory), before)).toBe(false);
  });
});

describe('the file of aliases', () => {
  const write = (content: string): Promise<void> => writeFile(join(directory, 'aliases.json'), content);

  it('need not be there', async () => {
    expect([...(await readAliases(directory))]).toEqual([]);
  });

  it('says what further names stand for', async () => {
    await write('{"default": "parity-logah", "stable": "parity-logah@12ab"}');
    expect([...(await readAliases(directory))]).toEqual([
      ['default', 'parity-logah'],
      ['stable', 'parity-logah@12ab'],
    ]);
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'expected record'],
    ['{"Default": "a"}', 'must be a name'],
    ['{"default": "a@12"}', '"default": must be a model'],
    ['{"default": 1}', '"default": '],
    [JSON.stringify({ a: 'b'.repeat(70_000) }), 'at most 65536 are allowed'],
  ])('that is %.30s is refused', async (content, reason) => {
    await write(content);
    await refused(() => readAliases(directory), join(directory, 'aliases.json'), reason);
  });
});
