import { setMaxListeners } from 'node:events';
import { LogahService } from '../../../src/contract/service-clients';
import { openBundles } from '../../../src/hypernet/models-directory';
import { anonymous } from '../../../src/server/security/caller';
import { Planner } from '../../../src/server/planning/planner';
import { graphAtLimits } from '../../support/hostile-requests';
import { BUNDLE } from '../../support/parity-fixtures';
import { SMALL } from '../../support/requests';

const NODES = 128;
const bytesOf = (request: object): Buffer => LogahService.service.Plan.requestSerialize({ request });
const large = bytesOf({ architecture: { graph: graphAtLimits(NODES) } });
const small = bytesOf(SMALL);
const never = new AbortController().signal;

let planner: Planner;

beforeAll(async () => {
  const bundles = await openBundles(BUNDLE);
  const limits = { maxNodes: NODES, maxParameters: 1e9 };
  planner = await Planner.start(
    { bundles: bundles, aliases: new Map(), defaultModel: '', limits },
    { maxQueued: 1000, maxQueueSeconds: 600 },
    (error) => {
      throw error;
    },
  );
});

afterAll(() => planner.close());

/** Plans, and notes under `name` when that is done. */
async function noted(
  done: string[],
  name: string,
  bytes: Buffer,
  identity: string,
  signal = never,
): Promise<void> {
  await planner.plan('Plan', bytes, anonymous(identity), signal);
  done.push(name);
}

test('callers take turns, however much one of them asks for', async () => {
  const done: string[] = [];
  const many = Array.from({ length: 6 }, (_, index) => noted(done, `many ${index}`, large, 'many'));
  const one = noted(done, 'one', small, 'one');
  await Promise.all([...many, one]);
  // Behind the plan that was being made when it came, and one that waited before it.
  expect(done.indexOf('one')).toBeLessThanOrEqual(2);
  expect(done.filter((name) => name !== 'one')).toEqual(
    done.filter((name) => name.startsWith('many')).sort(),
  );
});

test('bytes that nobody else needs move to the thread, others are left as they are', async () => {
  const own = Buffer.concat([Buffer.alloc(5), large]).subarray(5);
  expect(own.byteLength).toBe(large.length);
  await planner.plan('Plan', own, anonymous('caller'), never, true);
  expect(own.byteLength).toBe(0);
  const kept = Buffer.from(large);
  await planner.plan('Plan', kept, anonymous('caller'), never);
  expect(kept.equals(large)).toBe(true);
  // A small one lies beside others in memory.
  const shared = Buffer.from(small);
  await planner.plan('Plan', shared, anonymous('caller'), never, true);
  expect(shared.equals(small)).toBe(true);
});

test('what nobody waits for any more leaves the queue, and is never planned', async () => {
  const done: string[] = [];
  const leaving = new AbortController();
  setMaxListeners(20, leaving.signal);
  const first = noted(done, 'first', large, 'caller');
  const left = Array.from({ length: 20 }, (_, index) =>
    noted(done, `left ${index}`, large, 'caller', leaving.signal).catch((error: unknown) => error),
  );
  const last = noted(done, 'last', small, 'caller');
  expect(planner.length).toBe(22);
  leaving.abort(new Error('gone'));
  expect(planner.length).toBe(2);
  const errors = await Promise.all(left);
  expect(errors.every((error) => error instanceof Error)).toBe(true);
  await Promise.all([first, last]);
  expect(done).toEqual(['first', 'last']);
});

test('a plan that is being made is given up between its stages, and its caller hears at once', async () => {
  const leaving = new AbortController();
  const active = planner.plan('Plan', large, anonymous('caller'), leaving.signal);
  const next = planner.plan('Plan', small, anonymous('other'), never);
  leaving.abort(new Error('gone'));
  await expect(active).rejects.toThrow();
  await expect(next).resolves.toMatchObject({ head: { tensors: 1 } });
});
