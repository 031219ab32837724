/** Models that come, change and go while a server answers. */

import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { PredictRequest } from '../../../src/client';
import { openBundle } from '../../../src/hypernet/bundle';
import { AdminClient } from '../../support/admin';
import { HealthClient } from '../../support/health';
import { breakBundle, MODEL, relink, replaceBy, writeVersion, type Version } from '../../support/model-versions';
import { predictAll } from '../../support/predicted';
import { refusedStream } from '../../support/refused-call';
import { LARGE, readToEnd, SMALL, stalledStream } from '../../support/requests';
import { startServer, type ServerProcess } from '../../support/server-process';

let directory: string;
let server: ServerProcess;
let admin: AdminClient | undefined;
const fingerprints = new Map<string, string>();

/** What a version of the model predicts for a small network, by what the server calls it. */
async function predicted(model = MODEL): Promise<Uint8Array> {
  return (await predictAll(server.client, { ...SMALL, model })).data;
}

async function start(...flags: string[]): Promise<AdminClient> {
  return startIn({}, ...flags);
}

async function startIn(environment: Readonly<Record<string, string>>, ...flags: string[]): Promise<AdminClient> {
  server = await startServer({
    models: directory,
    flags: ['--workers', '1', '--models-poll-seconds', '0', '--admin', 'loopback', ...flags],
    environment,
  });
  admin = new AdminClient(server.address);
  return admin;
}

function fingerprintOf(version: Version): string {
  return fingerprints.get(version) ?? '';
}

/** What `ListModels` has: names and versions. */
async function listed(): Promise<string[]> {
  const { models } = await server.client.listModels();
  return models
    .filter(({ builtIn }) => !builtIn)
    .map(({ name, fingerprint }) => {
    const found = [...fingerprints].find(([, other]) => other === fingerprint);
    return `${name} ${found?.[0] ?? 'unknown'}`;
  });
}

beforeAll(async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'logah-versions-'));
  for (const version of ['fan_in', 'std'] as const) {
    await writeVersion(join(scratch, version), version);
    fingerprints.set(version, (await openBundle(join(scratch, version))).fingerprint);
  }
  await rm(scratch, { recursive: true });
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-reload-'));
  await writeVersion(join(directory, 'model'), 'fan_in');
});

afterEach(async () => {
  admin?.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

describe('a model that is replaced', () => {
  it('answers new calls, while a stream that began with the old one ends as it began', async () => {
    const admin = await start();
    const before = await predicted();
    const stalled = await stalledStream(server.address);
    await replaceBy(join(directory, 'model'), 'std');
    expect(await admin.reload()).toMatchObject({ changed: true, broken: [] });
    expect(await listed()).toEqual([`${MODEL} std`]);
    expect(await predicted()).not.toEqual(before);
    expect(await readToEnd(stalled)).toEqual(['chunk', 'summary']);
    expect(await stalled.code).toBe(status.OK);
    stalled.close();
  });

  it('is noticed, also where the directory is a link that is swapped', async () => {
    await mkdir(join(directory, '.versions'));
    await rename(join(directory, 'model'), join(directory, '.versions', 'one'));
    await relink(join(directory, 'model'), join('.versions', 'one'));
    await start('--models-poll-seconds', '1');
    await writeVersion(join(directory, '.versions', 'two'), 'std');
    await relink(join(directory, 'model'), join('.versions', 'two'));
    await server.logged('model loaded', ({ modelFingerprint }) => modelFingerprint === fingerprintOf('std'));
    await server.logged('model unloaded', ({ modelFingerprint }) => modelFingerprint === fingerprintOf('fan_in'));
    expect(await listed()).toEqual([`${MODEL} std`]);
  });

  it('is loaded on SIGHUP', async () => {
    await start();
    await replaceBy(join(directory, 'model'), 'std');
    server.kill('SIGHUP');
    await server.logged('model loaded', ({ modelFingerprint }) => modelFingerprint === fingerprintOf('std'));
    expect(await listed()).toEqual([`${MODEL} std`]);
  });

  it('leaves streams that broke off to the models that they began with, or refuses to resume them', async () => {
    const admin = await start();
    const { plan } = await predictAll(server.client, SMALL);
    const resumed = async (): Promise<Buffer> => {
      const parts: Buffer[] = [];
      const part = { fingerprint: plan.fingerprint, start: 0, end: plan.totalBytes };
      for await (const event of server.client.predict(SMALL, { part })) {
        if (event.kind === 'data') parts.push(event.data);
      }
      return Buffer.concat(parts);
    };
    const whole = await resumed();
    const stalled = await stalledStream(server.address);
    await replaceBy(join(directory, 'model'), 'std');
    await admin.reload();
    // The stalled stream keeps the old model alive.
    expect(await resumed()).toEqual(whole);
    const ended = server.logged('cancelled');
    stalled.close();
    await ended;
    // The model ends with the last job of the stream, which may be after the line.
    const refusal = async (): Promise<unknown> => {
      for (;;) {
        try {
          await resumed();
        } catch (error) {
          return error;
        }
      }
    };
    expect(await refusal()).toMatchObject({ kind: 'failed_precondition' });
  });

  it('is planned with by a thread that knows the earlier one too, also where that thread ended and another took its place', async () => {
    const admin = await startIn({
      NODE_OPTIONS: `--require ${join(__dirname, '..', '..', 'support', 'planning-fault.cjs')}`,
      LOGAH_TEST_FAULT_MODEL: 'fatal',
    });
    const earlier = await predictAll(server.client, SMALL);
    const stalled = await stalledStream(server.address);
    await replaceBy(join(directory, 'model'), 'std');
    await admin.reload();
    const now = await predicted();
    expect(now).not.toEqual(earlier.data);
    const refused = await refusedStream(server.stub.Predict({ ...SMALL, model: 'fatal' }));
    expect(refused.code).toBe(status.INTERNAL);
    const { err } = await server.logged('failed');
    expect(JSON.stringify(err)).toContain('the planning thread ended with code 7');
    // Named as they were not before, so that they are planned anew.
    expect(await predicted(`${MODEL}@${fingerprintOf('std')}`)).toEqual(now);
    const part = { fingerprint: earlier.plan.fingerprint, start: 0, end: earlier.plan.totalBytes };
    const again: Buffer[] = [];
    for await (const event of server.client.predict(SMALL, { part })) {
      if (event.kind === 'data') again.push(event.data);
    }
    expect(Buffer.concat(again)).toEqual(earlier.data);
    stalled.close();
  });

  it('that did not change is not loaded again', async () => {
    const admin = await start();
    expect(await admin.reload()).toMatchObject({ changed: false, broken: [] });
    expect(server.logs.filter(({ msg }) => msg === 'model loaded')).toHaveLength(1);
  });
});

describe('a model that is broken', () => {
  it('leaves the old one serving, and health and the log say so until it is mended', async () => {
    const admin = await start();
    const health = new HealthClient(server.address);
    const before = await predicted();
    const watch = health.watch('logah.v1.Models');
    const states: string[] = [];
    watch.on('error', () => undefined).on('data', ({ status: state }: { status: string }) => states.push(state));
    await once(watch, 'data');
    await breakBundle(join(directory, 'model'));
    const { changed, broken } = await admin.reload();
    expect(changed).toBe(false);
    expect(broken).toEqual([
      {
        directory: 'model',
        reason: expect.stringMatching(/encoder\.onnx has SHA-256 .*; the manifest says/) as string,
        serving: `${MODEL}@${fingerprintOf('fan_in').slice(0, 12)}`,
      },
    ]);
    expect(await server.logged('model not loaded')).toMatchObject({ level: 50 });
    expect(await predicted()).toEqual(before);
    expect(await health.check()).toBe('SERVING');
    expect(await health.check('logah.v1.Models')).toBe('NOT_SERVING');
    await replaceBy(join(directory, 'model'), 'std');
    expect(await admin.reload()).toMatchObject({ changed: true, broken: [] });
    expect(await health.check('logah.v1.Models')).toBe('SERVING');
    expect(states).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
    watch.cancel();
    health.close();
  });

  it('does not keep others from being replaced', async () => {
    await writeVersion(join(directory, 'other'), 'fan_in', 'other');
    const admin = await start();
    const before = await predicted();
    await breakBundle(join(directory, 'model'));
    await replaceBy(join(directory, 'other'), 'std', 'other');
    const { changed, broken } = await admin.reload();
    expect({ changed, broken: broken.map(({ directory: name }) => name) }).toEqual({
      changed: true,
      broken: ['model'],
    });
    expect(await predicted()).toEqual(before);
    expect(await predicted('other')).not.toEqual(before);
    await replaceBy(join(directory, 'model'), 'fan_in');
    expect(await admin.reload()).toMatchObject({ changed: false, broken: [] });
    expect(await predicted()).toEqual(before);
  });

  it('that no ONNX Runtime loads is found out among others', async () => {
    await writeVersion(join(directory, 'other'), 'fan_in', 'other');
    const admin = await start();
    await replaceBy(join(directory, 'other'), 'std', 'other');
    await writeVersion(join(directory, 'third'), 'fan_in', 'third');
    await admin.vouchFor(join(directory, 'third'), 'encoder.onnx', Buffer.from([8, 7]));
    const { changed, broken } = await admin.reload();
    expect(broken.map(({ directory: name, serving }) => ({ name, serving }))).toEqual([
      { name: 'third', serving: '' },
    ]);
    expect(changed).toBe(true);
    expect(await listed()).toContain(`${MODEL} fan_in`);
  });

  it('keeps a directory that cannot be served as a whole from being served', async () => {
    const admin = await start();
    await writeVersion(join(directory, 'twin'), 'fan_in');
    await expect(admin.reload()).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('are the same; names or files must differ') as string,
    });
    expect(await listed()).toEqual([`${MODEL} fan_in`]);
  });
});

describe('two versions of a model', () => {
  it('are told apart by their fingerprints, and an alias says which answers to the name', async () => {
    await writeVersion(join(directory, 'second'), 'std');
    const alias = (version: Version): Promise<void> => {
      const target = `${MODEL}@${fingerprintOf(version).slice(0, 8)}`;
      return writeFile(join(directory, 'aliases.json'), JSON.stringify({ [MODEL]: target, default: target }));
    };
    await alias('fan_in');
    const admin = await start();
    const [one, two] = [
      await predicted(`${MODEL}@${fingerprintOf('fan_in').slice(0, 4)}`),
      await predicted(`${MODEL}@${fingerprintOf('std')}`),
    ];
    expect(one).not.toEqual(two);
    expect([await predicted(), await predicted(''), await predicted('default')]).toEqual([one, one, one]);
    await alias('std');
    expect(await admin.reload()).toMatchObject({ changed: true });
    expect([await predicted(), await predicted(''), await predicted('default')]).toEqual([two, two, two]);
    await expect(predicted(`${MODEL}@0000`)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe('an administrator', () => {
  it('loads and unloads models', async () => {
    const admin = await start();
    await writeVersion(join(directory, 'other'), 'std', 'other');
    expect((await admin.load('other')).model?.name).toBe('other');
    expect(await listed()).toHaveLength(2);
    await admin.unload('other');
    expect(await listed()).toEqual([`${MODEL} fan_in`]);
    // What was unloaded stays so.
    expect(await admin.reload()).toMatchObject({ changed: false });
    await expect(predicted('other')).rejects.toMatchObject({ code: status.NOT_FOUND });
    await admin.load('other');
    expect(await listed()).toHaveLength(2);
  });

  it('is told what cannot be done', async () => {
    const admin = await start();
    await expect(admin.unload(MODEL)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
    await expect(admin.unload('')).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(admin.unload('none')).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(admin.load('none')).rejects.toMatchObject({ code: status.NOT_FOUND });
    await breakBundle(join(directory, 'model'));
    await expect(admin.load(MODEL)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('has SHA-256') as string,
    });
  });

  it('is told where calls in flight hold too many earlier models', async () => {
    const admin = await start();
    const stalled = [];
    for (const version of ['std', 'fan_in', 'std'] as const) {
      stalled.push(await stalledStream(server.address));
      await replaceBy(join(directory, 'model'), version);
      await admin.reload();
    }
    await replaceBy(join(directory, 'model'), 'fan_in');
    await expect(admin.reload()).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    for (const stream of stalled) {
      expect(await readToEnd(stream)).toEqual(['chunk', 'summary']);
      stream.close();
    }
  });

  it('is nobody unless the server is told who', async () => {
    const admin = await start('--admin', 'off');
    for (const call of [admin.reload(), admin.load(MODEL), admin.unload(MODEL)]) {
      await expect(call).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    }
  });
});

it('no request fails while models are replaced again and again', async () => {
  const admin = await start('--workers', '2');
  let reloading = true;
  const request: PredictRequest = { ...LARGE, selection: { patterns: ['transformer.h.0.attn.*'] } };
  const seen = new Set<string>();
  const client = async (): Promise<number> => {
    let count = 0;
    for (; reloading; count++) {
      const { plan, data } = await predictAll(server.client, request);
      expect(data.length).toBe(plan.totalBytes);
      seen.add(plan.fingerprint);
    }
    return count;
  };
  const clients = [client(), client(), client()];
  for (let turn = 0; turn < 4; turn++) {
    await replaceBy(join(directory, 'model'), turn % 2 === 0 ? 'std' : 'fan_in');
    expect((await admin.reload()).changed).toBe(true);
    // With this one, too, there was a prediction.
    await predicted();
  }
  reloading = false;
  for (const count of await Promise.all(clients)) expect(count).toBeGreaterThan(0);
  expect(seen.size).toBe(2);
});
