import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { LogahService } from '../../src/contract/service-clients';
import { linuxPeakMemory } from '../../src/server/peak-memory';
import { HealthClient } from '../support/health';
import { BUNDLE, LOGAH_CASE } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { refusedStream } from '../support/refused-call';
import { LARGE, SMALL, stalledStream } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';

let server: ServerProcess;

afterEach(async () => {
  await server.stop();
});

const start = async (...flags: string[]): Promise<void> => {
  server = await startServer({ models: BUNDLE, flags });
};

/** A request id that the log can be searched for. */
const isCall =
  (requestId: string) =>
  (entry: Readonly<Record<string, unknown>>): boolean =>
    entry.requestId === requestId;

const predictSmall = async (): Promise<number> => (await predictAll(server.client, SMALL)).data.length;

describe('a stream', () => {
  it('that is cancelled ends on the server, and makes room for another', async () => {
    await start('--max-streams', '1');
    const stalled = await stalledStream(server.address);
    const refused = await refusedStream(server.stub.Predict(SMALL));
    expect(refused).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      message: '1 streams are in flight; this server allows 1 (--max-streams)',
      reason: 'RESOURCE_EXHAUSTED',
    });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    stalled.close();
    await server.logged('cancelled');
    expect(await predictSmall()).toBe(48);
    expect(server.logs.filter(({ msg }) => msg === 'failed')).toEqual([]);
  });

  it('whose deadline passes ends with DEADLINE_EXCEEDED, and makes room for another', async () => {
    await start('--max-streams', '1');
    const stalled = await stalledStream(server.address, 500);
    stalled.stream.resume();
    stalled.stream.pause();
    await server.logged('cancelled');
    stalled.stream.resume();
    expect(await stalled.code).toBe(status.DEADLINE_EXCEEDED);
    expect(await predictSmall()).toBe(48);
    stalled.close();
  });

  it('whose deadline passes on the server alone is ended by the server', async () => {
    await start();
    const session = connectHttp2(`http://${server.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/logah.v1.LogahService/Predict',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '300m',
    });
    const message = LogahService.service.Predict.requestSerialize(LARGE);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    stream.resume();
    const [trailers] = (await once(stream, 'trailers')) as [Record<string, unknown>];
    expect(trailers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    session.close();
    await server.logged('cancelled');
    expect(await predictSmall()).toBe(48);
  });

  it('whose client disappears ends on the server', async () => {
    await start('--max-streams', '1');
    const session = connectHttp2(`http://${server.address}`);
    session.on('error', () => undefined);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/logah.v1.LogahService/Predict',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined);
    const message = LogahService.service.Predict.requestSerialize(LARGE);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    await once(stream, 'data');
    session.destroy();
    await server.logged('cancelled');
    expect(await predictSmall()).toBe(48);
  });
});

it('streams that are cancelled one after the other leave nothing behind', async () => {
  await start('--workers', '1');
  const cancelAfterPlan = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const stalled = await stalledStream(server.address);
      stalled.close();
      await stalled.code;
    }
  };
  await cancelAfterPlan(10);
  const before = linuxPeakMemory(server.pid) ?? 0;
  await cancelAfterPlan(50);
  const after = linuxPeakMemory(server.pid) ?? 0;
  // A stream holds some 40 MB while it runs: 50 that leaked would hold 2 GB.
  expect(after - before).toBeLessThan(100e6);
  expect(await predictSmall()).toBe(48);
  expect(server.logs.filter(({ msg }) => msg === 'failed')).toEqual([]);
});

describe('a worker', () => {
  const faulty = async (fault: 'throw' | 'exit'): Promise<void> => {
    server = await startServer({
      models: BUNDLE,
      environment: {
        NODE_OPTIONS: `--require ${join(__dirname, '..', 'support', 'worker-fault.cjs')}`,
        LOGAH_TEST_FAULT: fault,
        // Of the fixture's tensors, the fused projections.
        LOGAH_TEST_FAULT_ROWS: '288',
      },
    });
  };

  it('that fails at a tile ends that stream with INTERNAL, tells only the log why, and works on', async () => {
    await faulty('throw');
    const request = { architecture: { graph: LOGAH_CASE.graph() } };
    for (let attempt = 0; attempt < 3; attempt++) {
      const refused = await refusedStream(server.stub.Predict(request));
      expect(refused.code).toBe(status.INTERNAL);
      expect(refused.message).toBe(
        `internal error; the server's log has it under request ${refused.requestId}`,
      );
      const { err } = await server.logged('failed', isCall(refused.requestId));
      expect(JSON.stringify(err)).toContain('bad allocation at /secret/path');
    }
    expect(await predictSmall()).toBe(48);
  });

  it('that dies ends the server with code 1, so that it is started anew', async () => {
    await faulty('exit');
    const health = new HealthClient(server.address);
    expect(await health.check()).toBe('SERVING');
    const refused = await refusedStream(server.stub.Predict({ architecture: { graph: LOGAH_CASE.graph() } }));
    expect([status.INTERNAL, status.UNAVAILABLE]).toContain(refused.code);
    expect(await server.exit).toEqual({ code: 1, signal: null });
    const { err } = await server.logged('cannot go on');
    expect(JSON.stringify(err)).toContain('a decode worker ended with code 7');
    health.close();
  });
});
