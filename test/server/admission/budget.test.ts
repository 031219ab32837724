import { Budget } from '../../../src/server/admission/budget';
import { refusalOf } from '../../support/refusal';

const here = { identity: '10.0.0.1' };
const there = { identity: '10.0.0.2' };

const budget = (limit: number): Budget =>
  new Budget(limit, { held: 'streams are in flight', setting: '--max-streams' });

describe('a budget', () => {
  it('refuses what is beyond its limit, with both numbers, the setting and advice', async () => {
    const streams = budget(2);
    streams.take(here);
    const second = streams.take(there);
    const refusal = await refusalOf(() => streams.take(here));
    expect(refusal).toMatchObject({
      kind: 'resource_exhausted',
      message: '2 streams are in flight; this server allows 2 (--max-streams)',
      retryAfterMs: 1000,
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

  it('gets back once what is released twice', () => {
    const bytes = budget(10);
    bytes.take(here, 4);
    const lease = bytes.take(here, 6);
    lease.release();
    lease.release();
    expect([bytes.used, bytes.usedBy(here)]).toEqual([4, 4]);
  });
});
