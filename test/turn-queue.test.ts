/** Turns of callers, and of the streams of each. */

import fc from 'fast-check';
import { TurnQueue, type Turn } from '../src/turn-queue';

function drain(queue: TurnQueue<string>): string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

describe('a queue of turns', () => {
  it('gives a caller of one stream every other turn beside one of sixty', () => {
    const queue = new TurnQueue<string>();
    for (let stream = 0; stream < 60; stream++) {
      const turn = { caller: 'greedy', stream: {} };
      for (let item = 0; item < 4; item++) queue.push('greedy', turn);
    }
    const modest = { caller: 'modest', stream: {} };
    for (let item = 0; item < 4; item++) queue.push('modest', modest);
    const first = drain(queue).slice(0, 8);
    expect(first).toEqual(['greedy', 'modest', 'greedy', 'modest', 'greedy', 'modest', 'greedy', 'modest']);
  });

  it('gives the streams of a caller equal turns', () => {
    const queue = new TurnQueue<string>();
    const [one, other] = [{}, {}];
    for (const item of ['a1', 'a2', 'a3']) queue.push(item, { caller: 'c', stream: one });
    for (const item of ['b1', 'b2']) queue.push(item, { caller: 'c', stream: other });
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('gives callers equal parts of what items cost, not of their number', () => {
    const queue = new TurnQueue<string>();
    const [large, small] = [
      { caller: 'large', stream: {} },
      { caller: 'small', stream: {} },
    ];
    for (let item = 0; item < 3; item++) queue.push('large', large, 4);
    for (let item = 0; item < 8; item++) queue.push('small', small, 1);
    expect(drain(queue).join(' ')).toBe('large small small small small large small small small small large');
  });

  it('lets whoever comes later have its turn, and no more than others for what it missed', () => {
    const queue = new TurnQueue<string>();
    const early = { caller: 'early', stream: {} };
    for (let item = 0; item < 8; item++) queue.push('early', early);
    for (let turn = 0; turn < 4; turn++) queue.shift();
    for (let item = 0; item < 4; item++) queue.push('late', { caller: 'late', stream: {} });
    expect(drain(queue).join(' ')).toBe('late early late early late early late early');
  });

  it('remembers what a caller had whose items are gone for the moment', () => {
    const queue = new TurnQueue<string>();
    const [one, other] = [
      { caller: 'one', stream: {} },
      { caller: 'other', stream: {} },
    ];
    queue.push('one', one, 3);
    for (let item = 0; item < 4; item++) queue.push('other', other);
    expect([queue.shift(), queue.shift()]).toEqual(['one', 'other']);
    queue.push('one', one, 3);
    expect(drain(queue)).toEqual(['other', 'other', 'one', 'other']);
  });

  it('passes by callers that may not go, and gives them their turns later', () => {
    const queue = new TurnQueue<string>();
    for (const item of ['a1', 'a2']) queue.push(item, { caller: 'a', stream: {} });
    queue.push('b1', { caller: 'b', stream: {} });
    const mayGo = (caller: string): boolean => caller === 'b';
    expect(queue.has(mayGo)).toBe(true);
    expect(queue.shift(mayGo)).toBe('b1');
    expect(queue.has(mayGo)).toBe(false);
    expect(queue.shift(mayGo)).toBeUndefined();
    expect(drain(queue)).toEqual(['a1', 'a2']);
  });

  it('keeps the order within each stream, and loses and doubles nothing', () => {
    const step = fc.record({ caller: fc.constantFrom('a', 'b', 'c'), stream: fc.nat(2), act: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new TurnQueue<string>();
        const streams = new Map<string, object>();
        const waiting = new Map<string, string[]>();
        const turns = new Map<string, Turn>();
        let next = 0;
        for (const { caller, stream, act } of steps) {
          const key = `${caller}${stream}`;
          const turn = { caller, stream: streams.get(key) ?? {} };
          streams.set(key, turn.stream);
          const mine = waiting.get(key) ?? [];
          waiting.set(key, mine);
          if (act > 1) {
            const item = `${key} ${next++}`;
            turns.set(item, turn);
            mine.push(item);
            queue.push(item, turn);
          } else if (act === 1) {
            const item = queue.shift();
            if (item === undefined) continue;
            expect(waiting.get(item.slice(0, 2))?.shift()).toBe(item);
          } else {
            const item = mine.pop();
            if (item !== undefined) queue.delete(item, turns.get(item) as Turn);
          }
          expect(queue.size).toBe([...waiting.values()].flat().length);
        }
        expect(drain(queue).sort()).toEqual([...waiting.values()].flat().sort());
        expect(queue.size).toBe(0);
      }),
    );
  });

  it('is empty once it is cleared', () => {
    const queue = new TurnQueue<string>();
    queue.push('a', { caller: 'c', stream: {} });
    queue.push('b', { caller: 'd', stream: {} });
    expect(queue.clear()).toEqual(['a', 'b']);
    expect(queue.shift()).toBeUndefined();
  });
});
