/** What a server tells of itself: metrics and probes, its log, and traces. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { HealthClient } from '../../support/health';
import { BUNDLE } from '../../support/parity-fixtures';
import { predictAll } from '../../support/predicted';
import { codeOf, LARGE, SMALL, stalledStream } from '../../support/requests';
import { startServer, type LogEntry, type ServerProcess } from '../../support/server-process';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PREDICT = 'grpc_method="logah.v1.LogahService/Predict"';

let server: ServerProcess;
let endpoint: string;

async function start(environment: Record<string, string> = {}, ...flags: string[]): Promise<void> {
  server = await startServer({
    models: BUNDLE,
    flags: ['--workers', '1', '--metrics-address', '127.0.0.1:0', ...flags],
    environment,
  });
  const { metrics } = await server.logged('listening');
  endpoint = `http://${String(metrics)}`;
}

/** The values of the metrics, by name and labels as Prometheus writes them. */
async function metrics(): Promise<Map<string, number>> {
  const response = await fetch(`${endpoint}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The line of a call that has ended. */
function accessLine(method: string, holds: (entry: LogEntry) => boolean = () => true): Promise<LogEntry> {
  return server.logged('call', (entry) => entry.method === method && holds(entry));
}

afterEach(async () => {
  await server.stop();
});

describe('the metrics', () => {
  it("have gRPC's names, and what was predicted by stage, representation and type", async () => {
    await start();
    const { plan } = await predictAll(server.client, {
      ...LARGE,
      dtype: 'DATA_TYPE_BFLOAT16',
      selection: { patterns: ['*.bias'] },
    });
    await accessLine('Predict');
    const read = await metrics();
    expect(read.get(`grpc_server_call_started_total{${PREDICT}}`)).toBe(1);
    expect(read.get(`grpc_server_call_duration_seconds_count{${PREDICT},grpc_status="OK"}`)).toBe(1);
    const size = 'grpc_server_call_sent_total_compressed_message_size_bytes_sum';
    expect(read.get(`${size}{${PREDICT},grpc_status="OK"}`)).toBeGreaterThan(plan.totalBytes);
    for (const stage of ['plan', 'encode', 'decode', 'write']) {
      expect(read.get(`logah_stage_seconds_count{stage="${stage}"}`)).toBe(1);
    }
    expect(read.get('logah_sent_bytes_total{representation="dense",dtype="bf16"}')).toBe(plan.totalBytes);
    expect(read.get('logah_sent_elements_total{representation="dense",dtype="bf16"}')).toBe(
      plan.totalBytes / 2,
    );
    expect(read.get('logah_cache_requests_total{cache="embeddings",result="miss"}')).toBeGreaterThan(0);
    expect(read.get('logah_model_loads_total{result="loaded"}')).toBe(1);
    expect(read.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(read.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
    expect([...read.keys()].filter((name) => name.startsWith('logah_build_info{version="0.'))).toHaveLength(
      1,
    );
  });

  it('count streams while they are open, refusals by reason, and calls of methods that there are not', async () => {
    await start({}, '--max-streams', '1');
    const stalled = await stalledStream(server.address);
    const refused = server.stub.Predict(SMALL);
    refused.resume();
    expect(await codeOf(refused)).toBe(status.RESOURCE_EXHAUSTED);
    const client = new Client(server.address, credentials.createInsecure());
    const unknown = new Promise((resolve) => {
      const asItIs = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest(`/x.Y/${'z'.repeat(100)}`, asItIs, asItIs, Buffer.alloc(0), resolve);
    });
    expect(await unknown).toMatchObject({ code: status.UNIMPLEMENTED });
    client.close();
    await accessLine('other');
    const read = await metrics();
    expect(read.get('logah_streams{state="open"}')).toBe(1);
    expect(read.get('logah_held{resource="streams"}')).toBe(1);
    expect(read.get('logah_held_limit{resource="streams"}')).toBe(1);
    expect(read.get('logah_refused_total{reason="resource_exhausted"}')).toBe(1);
    const other = 'grpc_method="other",grpc_status="UNIMPLEMENTED"';
    expect(read.get(`grpc_server_call_duration_seconds_count{${other}}`)).toBe(1);
    expect([...read.keys()].filter((name) => name.includes('zzz'))).toEqual([]);
    stalled.close();
    await accessLine('Predict', (entry) => entry.status === 'CANCELLED');
    expect((await metrics()).get('logah_streams{state="open"}')).toBe(0);
  });

  it('come with probes, which tell that a server drains', async () => {
    await start();
    const get = async (path: string, init?: RequestInit): Promise<[number, string]> => {
      const response = await fetch(`${endpoint}${path}`, init);
      return [response.status, await response.text()];
    };
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    expect(await get('/readyz?verbose')).toEqual([200, 'ok\n']);
    expect(await get('/')).toEqual([404, 'there are /metrics, /livez and /readyz\n']);
    expect(await get('/metrics', { method: 'POST' })).toEqual([405, 'only GET and HEAD are answered\n']);
    expect(await get('/metrics', { method: 'HEAD' })).toEqual([200, '']);
    const stalled = await stalledStream(server.address);
    server.kill('SIGTERM');
    await server.logged('draining');
    expect(await get('/readyz')).toEqual([503, 'draining\n']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    stalled.close();
  });

  it('are not answered on the port of the service, nor where they are off', async () => {
    await start({}, '--metrics-address', 'off');
    expect(await server.logged('listening')).toMatchObject({ metrics: null });
    await expect(fetch(`http://${server.address}/metrics`)).rejects.toThrow();
  });

  it('are left out, with a warning, where another server has the default address', async () => {
    const other = createServer();
    // Whoever has it: it is taken.
    await new Promise<unknown>((resolve) => {
      other.once('listening', resolve).once('error', resolve).listen(9464, '127.0.0.1');
    });
    await start({}, '--metrics-address', '');
    expect(await server.logged('metrics cannot be read')).toMatchObject({ level: 40 });
    expect((await predictAll(server.client, SMALL)).data.length).toBe(48);
    other.close();
  });
});

describe('the log', () => {
  it('has a line for each call, with the timings that its summary has', async () => {
    await start();
    const { summary, plan } = await predictAll(server.client, {
      ...LARGE,
      selection: { patterns: ['*.bias'] },
    });
    const line = await accessLine('Predict');
    expect(line).toMatchObject({
      ...summary.timings,
      status: 'OK',
      model: 'parity-logah',
      parameters: plan.coverage.parameters,
      requestId: expect.any(String) as string,
      peer: expect.stringMatching(/^127\.0\.0\.1:/) as string,
    });
    expect(line.sentBytes).toBeGreaterThan(plan.totalBytes);
    expect(line.seconds).toBeGreaterThan(summary.timings?.streamSeconds ?? Infinity);
    const { streamSeconds, decodeSeconds, writeSeconds } = summary.timings ?? {};
    expect(streamSeconds).toBe((decodeSeconds ?? 0) + (writeSeconds ?? 0));
    await server.client.listModels();
    expect(await accessLine('ListModels')).not.toHaveProperty('planSeconds');
    await expect(predictAll(server.client, { ...SMALL, model: 'none' })).rejects.toMatchObject({
      kind: 'not_found',
    });
    await accessLine('Predict', (entry) => entry.status === 'NOT_FOUND');
  });

  it("has the caller's trace on every line of a call, and probes only for who looks closely", async () => {
    await start();
    const metadata = new Metadata();
    metadata.set('traceparent', `00-${TRACE}-${SPAN}-01`);
    const stream = server.stub.Predict(SMALL, metadata);
    stream.resume();
    await once(stream, 'end');
    expect(await accessLine('Predict')).toMatchObject({ traceId: TRACE });
    expect(await server.logged('predicting')).toMatchObject({ traceId: TRACE });
    const health = new HealthClient(server.address);
    expect(await health.check()).toBe('SERVING');
    health.close();
    await server.client.listModels();
    await accessLine('ListModels');
    expect(server.logs.filter(({ method }) => method === 'Check')).toEqual([]);
  });
});

describe('traces and metrics for OpenTelemetry', () => {
  interface Attribute {
    readonly key: string;
    readonly value: { readonly stringValue?: string };
  }
  interface Span {
    readonly name: string;
    readonly traceId: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
    readonly startTimeUnixNano: string;
    readonly endTimeUnixNano: string;
    readonly attributes: readonly Attribute[];
  }
  interface Body {
    readonly resourceSpans?: readonly {
      readonly resource: { readonly attributes: readonly Attribute[] };
      readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
    }[];
    readonly resourceMetrics?: readonly {
      readonly scopeMetrics: readonly {
        readonly metrics: readonly {
          readonly name: string;
          readonly histogram?: {
            readonly dataPoints: readonly { readonly attributes: readonly Attribute[] }[];
          };
        }[];
      }[];
    }[];
  }

  let collector: Server;
  const bodies: Body[] = [];

  beforeEach(async () => {
    bodies.length = 0;
    collector = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        bodies.push(JSON.parse(Buffer.concat(parts).toString()) as Body);
        response.setHeader('content-type', 'application/json').end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
  });

  afterEach(() => {
    collector.close();
    collector.closeAllConnections();
  });

  const attribute = (attributes: readonly Attribute[], name: string): string | undefined =>
    attributes.find(({ key }) => key === name)?.value.stringValue;

  it('go where the standard variables say, as a span for each call with one for each stage', async () => {
    const { port } = collector.address() as AddressInfo;
    await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_SERVICE_NAME: 'weights',
    });
    const metadata = new Metadata();
    metadata.set('traceparent', `00-${TRACE}-${SPAN}-01`);
    const stream = server.stub.Predict(SMALL, metadata);
    stream.resume();
    await once(stream, 'end');
    await accessLine('Predict');
    // What has not left yet leaves when the server ends.
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    const [traces] = bodies.flatMap(({ resourceSpans = [] }) => resourceSpans);
    expect(attribute(traces?.resource.attributes ?? [], 'service.name')).toBe('weights');
    const spans = bodies.flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    const call = spans.find(({ name }) => name === 'logah.v1.LogahService/Predict');
    expect(call).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
    expect(attribute(call?.attributes ?? [], 'rpc.response.status_code')).toBe('OK');
    const children = spans.filter(({ parentSpanId }) => parentSpanId === call?.spanId);
    expect(children.map(({ name }) => name).sort()).toEqual(['decode', 'encode', 'plan', 'write']);
    for (const child of children) {
      expect(BigInt(child.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(call?.startTimeUnixNano ?? 0));
      expect(BigInt(child.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(call?.endTimeUnixNano ?? 0));
    }
    const exported = bodies.flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics)),
    );
    const duration = exported.find(({ name }) => name === 'rpc.server.call.duration');
    const [point] = duration?.histogram?.dataPoints ?? [];
    expect(attribute(point?.attributes ?? [], 'rpc.method')).toBe('logah.v1.LogahService/Predict');
    expect(attribute(point?.attributes ?? [], 'rpc.system.name')).toBe('grpc');
    expect(exported.map(({ name }) => name)).toContain('logah_sent_bytes_total');
  });

  it('take nothing where nobody asks for them', async () => {
    await start({ NODE_OPTIONS: `--require ${join(__dirname, '../../support/loaded-modules.cjs')}` });
    await predictAll(server.client, SMALL);
    await server.stop();
    const loaded = /^loaded (.*)$/m.exec(server.stderr())?.[1]?.split(' ') ?? [];
    expect(loaded).toContain('@grpc/grpc-js');
    expect(loaded.filter((name) => name.startsWith('@opentelemetry/'))).toEqual(['@opentelemetry/api']);
  });
});
