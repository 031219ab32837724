import { setMaxListeners } from 'node:events';
import { LogahService } from '../../../src/contract/service-clients';
import { openBundles } from '../../../src/hypernet/models-directory';
import { anonymous } from '../../../src/server/security/caller';
import { Planner } from '../../../src/server/planning/planner';
import type { PlanningSetup } from '../../../src/server/planning/planning-protocol';
import type { SetPlanner } from '../../../src/server/planning/set-planner';
import { graphAtLimits } from '../../support/hostile-requests';
import { BUNDLE } from '../../support/parity-fixtures';
import { SMALL } from '../../support/requests';

const NODES = 128;
const bytesOf = (request: object): Buffer => LogahService.service.Plan.requestSerialize({ request });
const large = bytesOf({ architecture: { graph: graphAtLimits(NODES) } });
const small = bytesOf(SMALL);
const never = new AbortController().signal;

let thread: Planner;
let planner: SetPlanner;
let setup: PlanningSetup;

beforeAll(async () => {
  const bundles = await openBundles(BUNDLE);
  const limits = { maxNodes: NODES, maxParameters: 1e9 };
  thread = new Planner({ maxQueued: 1000, maxQueueSeconds: 600 }, (error) => {
    throw error;
  });
  await thread.ready;
  setup = { bundles, aliases: new Map(), defaultModel: '', limits };
  planner = thread.add(setup);
});

afterAll(() => thread.close());

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
  expect(thread.length).toBe(22);
  leaving.abort(new Error('gone'));
  expect(thread.length).toBe(2);
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

describe('sets of models', () => {
  /** The set with a model of another name, as much text as is asked for beside it. */
  const named = (name: string, text = ''): PlanningSetup => ({
    ...setup,
    bundles: setup.bundles.map((bundle) => ({
      ...bundle,
      manifest: { ...bundle.manifest, name, description: text },
    })),
  });
  const modelOf = async (set: SetPlanner): Promise<string> => {
    const { head } = await set.plan('Plan', small, anonymous('caller'), never);
    return head.model;
  };

  it('are planned with side by side, each until it is dropped', async () => {
    const [one, two] = [thread.add(named('one')), thread.add(named('two'))];
    expect(await Promise.all([modelOf(one), modelOf(two), modelOf(one)])).toEqual(['one', 'two', 'one']);
    one.close();
    await expect(modelOf(one)).rejects.toThrow('could not be planned');
    expect(await modelOf(two)).toBe('two');
    two.close();
  });

  it('take no memory of the thread once they are dropped: more come and go than it could hold', async () => {
    // Of a thread that has 256 MB.
    const text = 'x'.repeat(2 ** 22);
    for (let turn = 0; turn < 100; turn++) {
      const set = thread.add(named(`set ${turn}`, text));
      expect(await modelOf(set)).toBe(`set ${turn}`);
      set.close();
    }
  });

  it('are warmed before all that waits, however much that is', async () => {
    const done: string[] = [];
    const many = Array.from({ length: 6 }, (_, index) =>
      noted(done, `many ${index}`, large, `caller ${index}`),
    );
    const first = planner.planFirst('Plan', small, anonymous(''), never).then(() => done.push('first'));
    await Promise.all([...many, first]);
    expect(done.indexOf('first')).toBe(1);
  });
});

test('closing it ends a thread that has not begun yet, and says nothing of it', async () => {
  const failures: Error[] = [];
  const closed = new Planner({ maxQueued: 1, maxQueueSeconds: 1 }, (error) => failures.push(error));
  await closed.close();
  await expect(closed.ready).rejects.toThrow('the planning thread ended before it began');
  expect(failures).toEqual([]);
});
