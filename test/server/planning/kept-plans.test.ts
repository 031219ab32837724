import { LogahError } from '../../../src/errors';
import { anonymous, known } from '../../../src/server/security/caller';
import { EVERYTHING } from '../../../src/server/security/scopes';
import { KeptPlans } from '../../../src/server/planning/kept-plans';
import type { PlannedCall } from '../../../src/server/planning/planning-protocol';

interface Asked {
  readonly identity: string;
  readonly signal: AbortSignal;
  readonly resolve: (call: PlannedCall) => void;
  readonly reject: (error: Error) => void;
}

function plansOf(limit = 100) {
  const asked: Asked[] = [];
  const checked: [string, number][] = [];
  const plans = new KeptPlans(
    {
      plan: (_, __, { identity }, signal) =>
        new Promise((resolve, reject) => {
          asked.push({ identity, signal, resolve, reject });
        }),
      requireRoom: ({ identity }, deadline) => {
        checked.push([identity, deadline]);
      },
    },
    limit,
  );
  const plan = (text: string, identity = 'me', signal = new AbortController().signal) =>
    plans.plan('Predict', Buffer.from(text), anonymous(identity), signal);
  return { asked, checked, plan, plans };
}

function callOf(bytes: number): PlannedCall {
  return { message: new Uint8Array(bytes) } as PlannedCall;
}

describe('plans of equal requests', () => {
  it('are made once for all who wait, and for all who come later', async () => {
    const { asked, plan } = plansOf();
    const waiting = Array.from({ length: 512 }, () => plan('one'));
    expect(asked.length).toBe(1);
    const call = callOf(10);
    asked[0]?.resolve(call);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([call]));
    expect(await plan('one')).toBe(call);
    expect(asked.length).toBe(1);
  });

  it('are made apart for other requests, and for other methods', () => {
    const { asked, plan, plans } = plansOf();
    void plan('one');
    void plan('two');
    void plans.plan('Plan', Buffer.from('one'), anonymous('me'), new AbortController().signal);
    expect(asked.length).toBe(3);
  });

  it('are made apart for callers who may do other things', () => {
    const { asked, plans } = plansOf();
    const { signal } = new AbortController();
    for (const scopes of [EVERYTHING, { ...EVERYTHING, models: ['one'] }, { ...EVERYTHING, parameters: 9 }])
      void plans.plan('Predict', Buffer.from('one'), known('me', scopes), signal);
    expect(asked.length).toBe(3);
  });

  it('are refused to all who wait, and asked for anew afterwards', async () => {
    const { asked, plan } = plansOf();
    const waiting = [plan('one'), plan('one')];
    asked[0]?.reject(new LogahError('invalid_argument', 'no'));
    for (const refused of waiting) await expect(refused).rejects.toThrow('no');
    void plan('one');
    expect(asked.length).toBe(2);
  });

  it('have a place in the queue of each caller; the first whose turn comes answers all', async () => {
    const { asked, plan } = plansOf();
    const waiting = [plan('one', 'a'), plan('one', 'b'), plan('one', 'b')];
    expect(asked.map(({ identity }) => identity)).toEqual(['a', 'b']);
    const call = callOf(10);
    asked[1]?.resolve(call);
    expect(await Promise.all(waiting)).toEqual([call, call, call]);
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  it('are given up when nobody waits any more, not before', async () => {
    const { asked, plan } = plansOf();
    const [one, other] = [new AbortController(), new AbortController()];
    const first = plan('one', 'a', one.signal);
    const second = plan('one', 'b', other.signal);
    one.abort(new LogahError('cancelled', 'gone'));
    await expect(first).rejects.toThrow('gone');
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    other.abort(new LogahError('cancelled', 'gone too'));
    await expect(second).rejects.toThrow('gone too');
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    void plan('one');
    expect(asked.length).toBe(3);
  });

  it('are kept within their bytes, the last used longest', async () => {
    const { asked, plan } = plansOf(100);
    const made = async (text: string, bytes: number): Promise<void> => {
      const planned = plan(text);
      asked.at(-1)?.resolve(callOf(bytes));
      await planned;
    };
    await made('one', 40);
    await made('two', 40);
    await plan('one');
    await made('three', 40);
    await plan('one');
    await made('too large', 101);
    await plan('three');
    expect(asked.length).toBe(4);
    void plan('two');
    void plan('too large');
    expect(asked.length).toBe(6);
  });
});
