import { PlanQueue, type Queued } from '../../../src/server/planning/plan-queue';
import { refusalOf } from '../../support/refusal';

interface Item extends Queued {
  readonly name: string;
}

const NEVER = Infinity;

/** A queue in which plans take `planMs`, and a clock that goes when it is told to. */
function queueOf(planMs: number, maxQueued = 4, maxQueueSeconds = 10) {
  let time = 0;
  const queue = new PlanQueue<Item>({ maxQueued, maxQueueSeconds }, () => time);
  const wait = (ms: number): void => {
    time += ms;
  };
  for (let plan = 0; plan < 3; plan++) {
    queue.begin();
    wait(planMs);
    queue.end(true);
  }
  const refused: string[] = [];
  const push = (identity: string, name: string): void => {
    queue.push({ caller: { identity }, name, reject: ({ message }) => refused.push(`${name}: ${message}`) });
  };
  return { queue, push, refused, wait };
}

const me = { identity: 'me' };

describe('a queue of requests that wait to be planned', () => {
  it("says how long a request would wait: for its own caller's before it, and as many turns of each other", () => {
    const { queue, push, wait } = queueOf(1000, 100);
    expect(queue.waitMs('me')).toBe(0);
    for (const name of ['1', '2', '3']) push('other', name);
    expect(queue.waitMs('me')).toBe(1000);
    push('me', '1');
    expect(queue.waitMs('me')).toBe(1000 + 2 * 1000);
    expect(queue.waitMs('third')).toBe(2000);
    queue.begin();
    wait(400);
    expect(queue.waitMs('third')).toBe(2000 + 600);
  });

  it('refuses at once what cannot be planned before its deadline', async () => {
    const { queue, push } = queueOf(1000);
    expect(() => {
      queue.require(me, Date.now() + 1);
    }).not.toThrow();
    push('other', '1');
    expect(() => {
      queue.require(me, Date.now() + 100_000);
    }).not.toThrow();
    const refusal = await refusalOf(() => {
      queue.require(me, Date.now() + 900);
    });
    expect(refusal).toMatchObject({
      kind: 'resource_exhausted',
      reason: 'DEADLINE_TOO_NEAR',
      retryAfterMs: 1000,
    });
    expect(refusal.message).toMatch(
      /^a request waits 1\.0 s to be planned now, and the deadline of this one is in 0\.\d s$/,
    );
  });

  it('refuses what would wait longer than is allowed, until it would not', async () => {
    const { queue, push } = queueOf(4000, 100, 10);
    for (const name of ['1', '2', '3', '4']) push('me', name);
    expect(
      await refusalOf(() => {
        queue.require(me, NEVER);
      }),
    ).toMatchObject({
      reason: 'QUEUE_TOO_LONG',
      message: 'a request waits 16.0 s to be planned now; this server allows 10 s (--max-queue-seconds)',
      retryAfterMs: 16_000 - 10_000 + 4000,
    });
    expect(() => {
      queue.require({ identity: 'other' }, NEVER);
    }).not.toThrow();
  });

  it('refuses more than it may hold, the newest of whoever has the most', async () => {
    const { queue, push, refused } = queueOf(1, 4);
    for (const name of ['1', '2', '3', '4']) push('greedy', name);
    const message = '4 requests wait to be planned; this server allows 4 (--max-queued)';
    expect(
      await refusalOf(() => {
        queue.require({ identity: 'greedy' }, NEVER);
      }),
    ).toMatchObject({ reason: 'QUEUE_FULL', message });
    queue.require(me, NEVER);
    expect(refused).toEqual([`4: ${message}`]);
    push('me', '1');
    queue.require(me, NEVER);
    push('me', '2');
    // Two and two: nobody has more.
    await refusalOf(() => {
      queue.require(me, NEVER);
    });
    expect(
      [1, 2, 3, 4].map(() => queue.shift()).map((item) => item && `${item.caller.identity} ${item.name}`),
    ).toEqual(['greedy 1', 'me 1', 'greedy 2', 'me 2']);
    expect([queue.shift(), queue.length]).toEqual([undefined, 0]);
  });
});
