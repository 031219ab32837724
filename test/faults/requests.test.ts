/** Requests of at most 16 MB that cost as much as they can: none of them keeps the server from others, or fills its memory. */

import { status } from '@grpc/grpc-js';
import { hostileRequests, compressed } from '../support/hostile-requests';
import { HealthClient } from '../support/health';
import { resetPeakMemory, residentMemory, peakMemory } from '../support/memory';
import { BUNDLE } from '../support/parity-fixtures';
import { delimited } from '../support/protobuf';
import { framed, openSession, path, rawCall } from '../support/raw-call';
import { startServer, type ServerProcess } from '../support/server-process';

/** Of one request, above what the server takes at rest. */
const MOST_MEMORY = 64e6;
/** What is planned is bounded by the nodes that are allowed; these tests need no large graphs. */
const MAX_NODES = 512;

let server: ServerProcess;
let health: HealthClient;

beforeAll(async () => {
  server = await startServer({ models: BUNDLE, flags: ['--max-nodes', String(MAX_NODES), '--workers', '1'] });
  health = new HealthClient(server.address);
});

afterAll(async () => {
  health.close();
  await server.stop();
});

const all = hostileRequests(MAX_NODES).map((request) => [request.name, request] as const);

describe.each([
  ['as it is', false],
  ['compressed', true],
])('a request %s', (_, compress) => {
  it.each(all)('of the kind "%s" is answered within bounded memory', async (_name, { bytes }) => {
    const request = delimited(1, bytes());
    const body = framed(compress ? compressed(request) : request, compress);
    const headers: Record<string, string> = compress ? { 'grpc-encoding': 'gzip' } : {};
    const rest = residentMemory(server.pid);
    resetPeakMemory(server.pid);
    const session = openSession(server.address);
    const { ending } = rawCall(session, path('Plan'), { body, headers });
    const ended = await ending;
    session.destroy();
    expect([status.OK, status.INVALID_ARGUMENT, status.NOT_FOUND, status.FAILED_PRECONDITION]).toContain(
      ended.status,
    );
    expect(ended.details.length).toBeLessThanOrEqual(4096);
    expect(peakMemory(server.pid) - rest).toBeLessThan(MOST_MEMORY);
    expect(await health.check()).toBe('SERVING');
  });
});

it('while the largest graphs are planned, health is answered', async () => {
  const graph = hostileRequests(MAX_NODES).find(({ name }) => name === 'a graph at the limits');
  const body = framed(delimited(1, graph?.bytes() ?? Buffer.alloc(0)));
  const session = openSession(server.address);
  const events: string[] = [];
  const plans = Array.from({ length: 5 }, async () => {
    const { ending } = rawCall(session, path('Plan'), { body });
    expect((await ending).status).toBe(status.OK);
    events.push('planned');
  });
  // Each plan takes as long as many checks.
  while (!events.includes('planned')) events.push((await health.check()) ?? '');
  expect(events.filter((event) => event === 'SERVING').length).toBeGreaterThan(3);
  await Promise.all(plans);
  session.destroy();
});

it('no log line is long, whatever the names in requests are', () => {
  const longest = server.logs
    .map((entry) => JSON.stringify(entry).length)
    .reduce((a, b) => Math.max(a, b), 0);
  expect(longest).toBeGreaterThan(100);
  expect(longest).toBeLessThan(10_000);
  for (const entry of server.logs) expect(JSON.stringify(entry)).not.toMatch(/[\p{Cf}\p{Cc}]/u);
});
