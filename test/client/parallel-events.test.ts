import { status } from '@grpc/grpc-js';
import { connect, parallelEvents, type LogahClient, type PredictionEvent } from '../../src/client';
import { checkPlan } from '../../src/client/checked-plan';
import { splitByTensors } from '../../src/client/parallel-events';
import {
  endWithStatus,
  startFakeServer,
  statusError,
  type FakeServer,
  type PredictCall,
} from './fake-server';
import { prediction, summaryOf } from './fixtures';

const whole = prediction({ a: [40], b: [4, 4], c: [100], d: [3], e: [25] });

let servers: FakeServer[] = [];
let clients: LogahClient[] = [];

afterEach(() => {
  for (const client of clients) client.close();
  for (const server of servers) server.stop();
  servers = [];
  clients = [];
});

/** Answers the part that is asked for, in chunks of 16 bytes. */
function answer(call: PredictCall): void {
  const { offset = 0, end: asked = 0 } = call.request.resume ?? {};
  const end = asked === 0 ? whole.data.length : asked;
  call.write({ plan: whole.plan });
  for (let at = offset; at < end; at += 16) {
    call.write({ chunk: { offset: at, data: whole.data.subarray(at, Math.min(end, at + 16)) } });
  }
  const { digests, ...rest } = summaryOf(whole);
  const within = whole.plan.tensors.map((tensor) => tensor.offset >= offset && tensor.offset < end);
  call.write({ summary: { ...rest, digests: digests.filter((_, index) => within[index]) } });
  call.end();
}

async function serve(
  ...predicts: ((call: PredictCall) => void)[]
): Promise<readonly [LogahClient, ...LogahClient[]]> {
  for (const predict of predicts) {
    const server = await startFakeServer({ predict, plan: () => whole.plan });
    servers.push(server);
    clients.push(connect(server.address));
  }
  const [first, ...others] = clients;
  if (!first) throw new Error('no server');
  return [first, ...others];
}

async function collect(events: AsyncIterable<PredictionEvent>): Promise<{ data: Buffer; kinds: string[] }> {
  const data = Buffer.alloc(whole.data.length);
  const kinds: string[] = [];
  for await (const event of events) {
    kinds.push(event.kind);
    if (event.kind === 'data') event.data.copy(data, event.offset);
  }
  return { data, kinds };
}

describe('a plan', () => {
  it.each([1, 2, 3, 5, 9])('is split for %i streams at tensors, without gap or overlap', (count) => {
    const plan = checkPlan(whole.plan);
    const parts = splitByTensors(plan, count);
    expect(parts.length).toBeLessThanOrEqual(Math.min(count, 5));
    const bounds = new Set([...plan.tensors.map(({ offset }) => offset), plan.totalBytes]);
    let position = 0;
    for (const { start, end, fingerprint } of parts) {
      expect(start).toBe(position);
      expect(end).toBeGreaterThan(start);
      expect(bounds.has(end)).toBe(true);
      expect(fingerprint).toBe(plan.fingerprint);
      position = end;
    }
    expect(position).toBe(plan.totalBytes);
  });
});

describe('a prediction over several streams', () => {
  it('has the bytes and digests of one over one stream, from two servers in turn', async () => {
    const both = await serve(answer, answer);
    const { data, kinds } = await collect(parallelEvents(both, { chunkBytes: 4096 }, 3));
    expect(data.equals(whole.data)).toBe(true);
    expect(kinds[0]).toBe('plan');
    expect(kinds.at(-1)).toBe('summary');
    expect(kinds.filter((kind) => kind !== 'data')).toHaveLength(2);
    const asked = servers.flatMap(({ requests }) => requests.filter(({ resume }) => resume !== null));
    expect(asked).toHaveLength(3);
    expect(servers[1]?.requests).toHaveLength(1);
  });

  it('fails with the first error, and cancels the streams that still run', async () => {
    let cancelled: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const both = await serve(
      (call) => {
        // Begins, and never ends.
        call.write({ plan: whole.plan });
        call.once('cancelled', cancelled);
      },
      (call) => {
        endWithStatus(call, statusError({ code: status.INTERNAL, message: 'a fault' }));
      },
    );
    await expect(collect(parallelEvents(both, {}, 2))).rejects.toMatchObject({ code: status.INTERNAL });
    await left;
  });

  it('fails where a server has another plan', async () => {
    const both = await serve(answer, (call) => {
      call.write({ plan: { ...whole.plan, fingerprint: 'other' } });
      call.end();
    });
    await expect(collect(parallelEvents(both, {}, 2))).rejects.toThrow(/fingerprint/);
  });
});
