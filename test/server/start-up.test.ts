import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE } from '../support/parity-fixtures';
import { serveUntilEnd } from '../support/server-process';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-start-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** A copy of the fixture's bundle, changed by `change`. */
async function bundle(change: (path: string) => Promise<void>): Promise<string> {
  const path = join(directory, 'copy');
  await cp(BUNDLE, path, { recursive: true });
  await change(path);
  return directory;
}

async function editManifest(
  path: string,
  change: (manifest: Record<string, unknown>) => void,
): Promise<void> {
  const file = join(path, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  change(manifest);
  await writeFile(file, JSON.stringify(manifest));
}

/** What a server that must not start writes to standard error. */
async function refusal(flags: readonly string[], environment?: Record<string, string>): Promise<string> {
  const { code, signal, stderr } = await serveUntilEnd(flags, environment);
  expect({ code, signal, stderr }).toEqual({ code: 1, signal: null, stderr });
  return stderr;
}

describe('the server does not start', () => {
  it('with a file that is not the one that the manifest vouches for', async () => {
    const models = await bundle(async (path) => {
      const file = join(path, 'encoder.onnx');
      const bytes = await readFile(file);
      bytes[1000] = (bytes[1000] ?? 0) ^ 0xff;
      await writeFile(file, bytes);
    });
    expect(await refusal(['--models', models])).toMatch(
      /^error: .*copy\/encoder\.onnx has SHA-256 [0-9a-f]{64}; the manifest says 89ac456d/,
    );
  });

  it('without a file that the manifest names', async () => {
    const models = await bundle((path) => rm(join(path, 'product.onnx')));
    expect(await refusal(['--models', models])).toMatch(/copy\/product\.onnx is missing/);
  });

  it('with a manifest of a version that it does not know', async () => {
    const models = await bundle((path) => editManifest(path, (manifest) => (manifest.version = 7)));
    expect(await refusal(['--models', models])).toMatch(
      /copy\/manifest\.json: version is 7; this server reads version 1/,
    );
  });

  it('with a file that is no ONNX model, though it is vouched for', async () => {
    const models = await bundle(async (path) => {
      const content = 'no model';
      await writeFile(join(path, 'product.onnx'), content);
      await editManifest(path, (manifest) => {
        const sha256 = createHash('sha256').update(content).digest('hex');
        (manifest.files as Record<string, unknown>)['product.onnx'] = { sha256, bytes: content.length };
      });
    });
    expect(await refusal(['--models', models])).toMatch(/^error: .*product\.onnx is no ONNX file/m);
  });

  it('without models', async () => {
    expect(await refusal(['--models', directory])).toBe(
      `error: models directory ${directory} holds no model bundle\n`,
    );
    expect(await refusal(['--models', join(directory, 'none')])).toMatch(/none cannot be read/);
  });

  it('with a default model that is not there', async () => {
    expect(await refusal(['--models', BUNDLE, '--default-model', 'gpt-9'])).toBe(
      'error: --default-model is gpt-9; there are: parity-logah\n',
    );
  });

  it('on a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const address = `127.0.0.1:${port}`;
    try {
      expect(await refusal(['--models', BUNDLE, '--address', address])).toBe(
        `error: cannot listen on ${address}: another process listens there\n`,
      );
    } finally {
      other.close();
    }
  });

  it('on CUDA where there is none, and says what it needs', async () => {
    const stderr = await refusal(['--models', BUNDLE, '--execution-provider', 'cuda'], {
      CUDA_VISIBLE_DEVICES: '',
    });
    expect(stderr).toMatch(/^error: --execution-provider cuda: .*missing are .* of .*CUDA 13 and cuDNN 9/);
  });

  it.each([
    [['--workers', '0'], {}, 'error: --workers is "0"; it must be auto or lie between 1 and 64'],
    [[], { LOGAH_MAX_STREAMS: 'many' }, 'error: LOGAH_MAX_STREAMS is "many"; it must be a whole number'],
    [['--address', 'here'], {}, 'error: --address is "here"; it must be HOST:PORT'],
  ])('with %j and %j, naming what is wrong and what is allowed', async (flags, environment, message) => {
    expect(await refusal(['--models', BUNDLE, ...flags], environment)).toContain(message);
  });

  it('with a flag that does not exist', async () => {
    const { code, stderr } = await serveUntilEnd(['--models', BUNDLE, '--worker', '2']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown option '--worker'/);
  });
});
