/** The load report of gRFC A51, read as gRPC's own definition has it. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '@grpc/grpc-js/build/src/generated/orca';
import type { OrcaLoadReport__Output } from '@grpc/grpc-js/build/src/generated/xds/data/orca/v3/OrcaLoadReport';
import { LogahService } from '../../src/contract/service-clients';
import { BUNDLE } from '../support/parity-fixtures';
import { SMALL, stalledStream } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';
import { newToken } from '../support/tokens';

const GRPC = join(__dirname, '..', '..', 'node_modules', '@grpc', 'grpc-js', 'proto');

const { OpenRcaService } = (
  loadPackageDefinition(
    loadSync('xds/service/orca/v3/orca.proto', {
      keepCase: true,
      defaults: true,
      longs: String,
      enums: String,
      oneofs: true,
      includeDirs: [join(GRPC, 'xds'), join(GRPC, 'protoc-gen-validate')],
    }),
  ) as unknown as ProtoGrpcType
).xds.service.orca.v3;

let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.stop();
});

/** What the trailers of a prediction say, and how it ended. */
function predicted(
  address: string,
  token?: string,
): Promise<{ readonly code: number; readonly report: OrcaLoadReport__Output | undefined }> {
  const stub = new LogahService(address, credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve) => {
    stub
      .Predict(SMALL, metadata)
      .on('error', () => undefined)
      .on('status', ({ code, metadata: trailers }) => {
        stub.close();
        const [value] = trailers.get('endpoint-load-metrics-bin');
        const read = OpenRcaService.service.StreamCoreMetrics.responseDeserialize;
        resolve({ code, report: Buffer.isBuffer(value) ? read(value) : undefined });
      })
      .resume();
  });
}

it('tells balancers at the end of a call how loaded the server is', async () => {
  server = await startServer({ models: BUNDLE, flags: ['--max-streams', '4'] });
  const { address } = server;
  const stalled = await stalledStream(address);
  const { code, report } = await predicted(address);
  expect(code).toBe(status.OK);
  const { cpu_utilization: cpu = NaN, mem_utilization: memory = NaN, utilization = {} } = report ?? {};
  expect(cpu).toBeGreaterThan(0);
  expect(memory).toBeGreaterThan(0);
  expect(memory).toBeLessThan(1);
  // Of four, the one that stalls and this one.
  expect(utilization.streams).toBe(0.5);
  expect(report?.application_utilization).toBe(Math.max(cpu, ...Object.values(utilization)));
  expect(report?.rps_fractional).toBeGreaterThan(0);
  expect(report?.eps).toBe(0);
  stalled.close();
});

it('tells nothing to callers that it does not know', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'logah-load-'));
  const { token, line } = newToken('known', 'models=*');
  await writeFile(join(directory, 'callers'), `${line}\n`);
  server = await startServer({ models: BUNDLE, flags: ['--callers', join(directory, 'callers')] });
  const { address } = server;
  expect(await predicted(address)).toEqual({ code: status.UNAUTHENTICATED, report: undefined });
  expect(await predicted(address, token)).toMatchObject({ code: status.OK, report: {} });
  await rm(directory, { recursive: true });
});

it("is what gRPC's own balancer weighs servers by", async () => {
  const running = [await startServer({ models: BUNDLE }), await startServer({ models: BUNDLE })] as const;
  const target = `ipv4:${running.map(({ address }) => address).join(',')}`;
  const config = { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: '0s' } }] };
  const stub = new LogahService(target, credentials.createInsecure(), {
    'grpc.service_config': JSON.stringify(config),
  });
  for (let call = 0; call < 40; call++) {
    await new Promise((resolve, reject) => {
      stub.Predict(SMALL).on('error', reject).on('end', resolve).resume();
    });
  }
  stub.close();
  for (const one of running) {
    const answered = one.logs.filter(({ msg, status: code }) => msg === 'call' && code === 'OK');
    expect(answered.length).toBeGreaterThan(0);
    await one.stop();
  }
});
