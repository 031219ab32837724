import { once } from 'node:events';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import { LogahService } from '../../src/contract/service-clients';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { HealthClient } from '../support/health';
import { BUNDLE } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { reflectedServices } from '../support/reflection';
import { describeFailure } from '../support/refused-call';
import { chain, LARGE, readToEnd, SMALL, stalledStream } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';

const SERVICE = 'logah.v1.LogahService';

let server: ServerProcess | undefined;
let health: HealthClient | undefined;

async function start(...flags: string[]): Promise<{ server: ServerProcess; health: HealthClient }> {
  server = await startServer({ models: BUNDLE, flags });
  health = new HealthClient(server.address);
  return { server, health };
}

afterEach(async () => {
  health?.close();
  await server?.stop();
});

/** The statuses that a watch tells, until it ends. */
function watched(client: HealthClient, service: string) {
  const call = client.watch(service);
  const seen: string[] = [];
  call.on('data', (message: { status: string }) => seen.push(message.status));
  const ended = new Promise<number>((resolve) => {
    call.on('error', () => undefined);
    call.on('status', ({ code }) => {
      resolve(code);
    });
  });
  return { seen, first: once(call, 'data'), ended };
}

describe('a server', () => {
  it('is healthy, and says what it serves', async () => {
    const { server, health } = await start();
    expect(await health.check()).toBe('SERVING');
    expect(await health.check(SERVICE)).toBe('SERVING');
    await expect(health.check('other')).rejects.toMatchObject({ code: status.NOT_FOUND });
    const services = expect.arrayContaining(['grpc.health.v1.Health', SERVICE]) as string[];
    expect(await reflectedServices(server.address, 'v1')).toEqual(services);
    expect(await reflectedServices(server.address, 'v1alpha')).toEqual(services);
  });

  it('answers health checks while it encodes', async () => {
    const { server, health } = await start('--workers', '1');
    const stream = server.stub.Predict({ architecture: { graph: chain(1500) } });
    await once(stream, 'data');
    const events: string[] = [];
    stream.on('data', () => events.push('chunk'));
    // The only worker has one job, which takes as long as hundreds of checks.
    for (let count = 0; count < 3; count++) events.push((await health.check()) ?? '');
    expect(events).toEqual(['SERVING', 'SERVING', 'SERVING']);
    stream.on('error', () => undefined);
    stream.cancel();
  });

  it('that is told to stop says so at once, finishes what it streams, and ends with code 0', async () => {
    const { server, health } = await start();
    const stalled = await stalledStream(server.address);
    const watches = ['', SERVICE].map((name) => watched(health, name));
    await Promise.all(watches.map(({ first }) => first));
    server.kill('SIGTERM');
    // The stream in flight waits for its reader all the while.
    for (const { seen, ended } of watches) {
      expect(await ended).toBe(status.UNAVAILABLE);
      expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    }
    await server.logged('draining');
    const late = new HealthClient(server.address);
    await expect(late.check()).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    late.close();
    expect(await readToEnd(stalled)).toEqual(['chunk', 'summary']);
    expect(await stalled.code).toBe(status.OK);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.logs.at(-1)?.msg).toBe('stopped');
    stalled.close();
  });

  it('ends after the grace period even where a reader never reads, with code 0', async () => {
    const { server } = await start('--shutdown-grace-seconds', '1');
    const stalled = await stalledStream(server.address);
    server.kill('SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(await readToEnd(stalled)).not.toContain('summary');
    expect(await stalled.code).not.toBe(status.OK);
    stalled.close();
  });

  it('that ends a stream amid its data tells a slow reader UNAVAILABLE and why, and does not reset it', async () => {
    const { server } = await start('--shutdown-grace-seconds', '1');
    const stub = new LogahService(server.address, credentials.createInsecure());
    const stream = stub.Predict(LARGE);
    const failed = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    await once(stream, 'data');
    stream.pause();
    server.kill('SIGTERM');
    // The server has said its last words; nothing of them has been read.
    await server.logged('refused');
    let chunks = 0;
    stream.on('data', ({ message }: PredictResponse__Output) => {
      expect(message).toBe('chunk');
      chunks++;
      stream.pause();
      setImmediate(() => stream.resume());
    });
    stream.resume();
    expect(describeFailure(await failed)).toMatchObject({
      code: status.UNAVAILABLE,
      message: 'the server is shutting down',
      reason: 'UNAVAILABLE',
      retryAfterMs: 0,
    });
    expect(chunks).toBeGreaterThan(0);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    stub.close();
  });

  it('that is told twice to stop stops once', async () => {
    const { server } = await start();
    server.kill('SIGTERM');
    server.kill('SIGINT');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.logs.filter(({ msg }) => msg === 'draining')).toHaveLength(1);
  });

  it('takes its settings from the environment', async () => {
    server = await startServer({
      models: BUNDLE,
      environment: { LOGAH_MAX_STREAMS: '3', LOGAH_LOG_LEVEL: 'debug' },
    });
    expect((await predictAll(server.client, SMALL)).data.length).toBe(48);
  });
});
