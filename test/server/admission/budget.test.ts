import { Budget } from '../../../src/server/admission/budget';
import { refusalOf } from '../../support/refusal';

const here = { identity: '10.0.0.1' };
const there = { identity: '10.0.0.2' };

const budget = (limit: number): Budget =>
  new Budget(limit, { held: 'streams are in flight', setting: '--max-streams' });

/** A budget of streams, and a clock that goes when it is told to. */
function turns(limit: number): { readonly streams: Budget; readonly wait: (ms: number) => void } {
  let time = 0;
  const words = { held: 'streams are in flight', setting: '--max-streams', inTurns: true };
  return {
    streams: new Budget(limit, words, () => time),
    wait: (ms) => {
      time += ms;
    },
  };
}

describe('a budget', () => {
  it('refuses what is beyond its limit, with both numbers, the setting and advice', async () => {
    const streams = budget(2);
    streams.take(here);
    const second = streams.take(there);
    const refusal = await refusalOf(() => streams.take(here));
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    expect(refusal).toMatchObject({
      kind: 'resource_exhausted',
      message: '2 streams are in flight; this server allows 2 (--max-streams)',
    });
    second.release();
    expect(() => streams.take(here)).not.toThrow();
  });

  it('takes nothing where it refuses', () => {
    const bytes = budget(10);
    const lease = bytes.take(here, 8);
    expect(() => bytes.take(there, 3)).toThrow();
    expect(() => {
      lease.resize(11);
    }).toThrow();
    expect([bytes.used, bytes.usedBy(here), bytes.usedBy(there), lease.amount]).toEqual([8, 8, 0, 8]);
  });

  it('counts what each caller holds, and says who holds the most', () => {
    const bytes = budget(100);
    const lease = bytes.take(here, 30);
    bytes.take(there, 20);
    expect(bytes.largest).toEqual({ identity: here.identity, amount: 30 });
    lease.resize(10);
    expect(bytes.largest).toEqual({ identity: there.identity, amount: 20 });
    expect(bytes.used).toBe(30);
  });

  it('has nothing held by a lease that was released, whatever is asked of it', () => {
    const bytes = budget(10);
    const lease = bytes.take(here, 4);
    lease.release();
    lease.resize(6);
    lease.release();
    expect([bytes.used, lease.amount]).toEqual([0, 0]);
  });

  it('gets back once what is released twice', () => {
    const bytes = budget(10);
    bytes.take(here, 4);
    const lease = bytes.take(here, 6);
    lease.release();
    lease.release();
    expect([bytes.used, bytes.usedBy(here)]).toEqual([4, 4]);
  });
});

describe('the advice of a budget to try again', () => {
  const advice = async (streams: Budget, caller: { readonly identity: string }): Promise<number> =>
    (await refusalOf(() => streams.take(caller))).retryAfterMs ?? NaN;

  it('is the time in which a part becomes free, as others did before', async () => {
    const { streams, wait } = turns(4);
    // Each is held for eight seconds, and one ends every two.
    const held = [streams.take(here)];
    for (let taken = 1; taken < 4; taken++) {
      wait(2000);
      held.push(streams.take(here));
    }
    for (let round = 0; round < 20; round++) {
      wait(2000);
      held.shift()?.release();
      held.push(streams.take(here));
    }
    expect(await advice(streams, there)).toBe(2000);
  });

  it('gives callers turns, and more of them later ones', async () => {
    const { streams, wait } = turns(1);
    for (let round = 0; round < 30; round++) {
      const lease = streams.take(here);
      wait(1000);
      lease.release();
    }
    streams.take(here);
    const third = { identity: '10.0.0.3' };
    expect(await advice(streams, there)).toBe(1000);
    expect(await advice(streams, third)).toBe(2000);
    expect(await advice(streams, there)).toBe(3000);
    // One that asks again and again is behind itself alone.
    for (let times = 0; times < 100; times++) await advice(streams, there);
    expect(await advice(streams, { identity: '10.0.0.4' })).toBe(3000);
  });

  it('grows while nothing becomes free, within half a minute', async () => {
    const { streams, wait } = turns(1);
    streams.take(here);
    wait(10_000);
    expect(await advice(streams, there)).toBe(10_000);
    wait(1_000_000);
    expect(await advice(streams, { identity: '10.0.0.3' })).toBe(30_000);
  });
});

describe('what becomes free', () => {
  it('is kept for a caller that was refused, from those that hold more, until it should have come', async () => {
    const { streams, wait } = turns(2);
    const [first] = [streams.take(here), streams.take(here)];
    const { retryAfterMs = NaN } = await refusalOf(() => streams.take(there));
    first.release();
    const refusal = await refusalOf(() => streams.take(here));
    expect(refusal.message).toBe(
      '1 streams are in flight, and 1 more are kept for callers that have fewer; this server allows 2 (--max-streams)',
    );
    wait(retryAfterMs);
    streams.take(there).release();
    // It has had its turn.
    expect(() => streams.take(here)).not.toThrow();
  });

  it("is nobody's any more when a caller does not come", async () => {
    const { streams, wait } = turns(2);
    const lease = streams.take(here);
    streams.take(here);
    const { retryAfterMs = NaN } = await refusalOf(() => streams.take(there));
    lease.release();
    expect(() => streams.take(here)).toThrow();
    wait(retryAfterMs * 2 + 2000);
    expect(() => streams.take(here)).not.toThrow();
  });
});
