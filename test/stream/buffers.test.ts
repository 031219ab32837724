/** Room for tiles: an equal share for each caller that wants it, and all of it for one that is alone. */

import fc from 'fast-check';
import { TILE_ELEMENTS } from '../../src/plan/tile';
import { BufferPool, type StreamBuffers } from '../../src/stream/buffers';

const TILE = TILE_ELEMENTS * 4;
const AHEAD = 8;
const MOST = 12;

const never = new AbortController().signal;

/** Takes tiles until there is no room for what a reader waits for; how many. */
function fill(buffers: StreamBuffers): number {
  let tiles = 0;
  for (; buffers.hasUrgentRoom(); tiles++) buffers.take(TILE);
  return tiles;
}

/** Whether a stream still waits for room after all that happens at once. */
async function isWaiting(room: Promise<void>): Promise<boolean> {
  let waits = true;
  void room.then(() => {
    waits = false;
  });
  await new Promise(setImmediate);
  return waits;
}

describe('room for tiles', () => {
  it('is all for a caller that is alone', () => {
    const pool = new BufferPool(AHEAD, MOST);
    expect(fill(pool.enter('a'))).toBe(MOST);
  });

  it('is left for another caller once there is one, who may decode ahead as well', () => {
    const pool = new BufferPool(AHEAD, MOST);
    const modest = pool.enter('modest');
    const greedy = Array.from({ length: 60 }, () => pool.enter('greedy'));
    const tiles = greedy.reduce((sum, buffers) => sum + fill(buffers), 0);
    expect(tiles).toBe(AHEAD);
    expect(greedy.some(({ hasRoom }) => hasRoom())).toBe(false);
    for (let tile = 0; tile < MOST - AHEAD; tile++) {
      expect(modest.hasRoom()).toBe(true);
      modest.take(TILE);
    }
    expect(modest.hasUrgentRoom()).toBe(false);
  });

  it('goes to the caller that holds less than its share, whoever waited longer', async () => {
    const pool = new BufferPool(AHEAD, MOST);
    const greedy = pool.enter('greedy');
    const held = Array.from({ length: MOST }, () => greedy.take(TILE));
    const first = greedy.room(never);
    const modest = pool.enter('modest');
    const second = modest.room(never);
    expect(pool.waiting).toBe(2);
    greedy.give(held.pop() as SharedArrayBuffer);
    expect(await isWaiting(second)).toBe(false);
    modest.take(TILE);
    expect(await isWaiting(first)).toBe(true);
    // Down to what is lent to whoever has more than its share.
    while (held.length >= AHEAD - 1) greedy.give(held.pop() as SharedArrayBuffer);
    expect(await isWaiting(first)).toBe(false);
  });

  it('is the share of those that are left once a caller leaves', async () => {
    const pool = new BufferPool(AHEAD, MOST);
    const [one, other] = [pool.enter('one'), pool.enter('other')];
    for (let tile = 0; tile < AHEAD; tile++) one.take(TILE);
    expect(one.hasUrgentRoom()).toBe(false);
    const room = one.room(never);
    expect(await isWaiting(room)).toBe(true);
    other.leave();
    expect(await isWaiting(room)).toBe(false);
  });

  it('is no longer waited for once the signal aborts', async () => {
    const pool = new BufferPool(AHEAD, MOST);
    const buffers = pool.enter('a');
    fill(buffers);
    const abort = new AbortController();
    const room = buffers.room(abort.signal);
    abort.abort();
    expect(await isWaiting(room)).toBe(false);
    expect(pool.waiting).toBe(0);
  });

  it('comes to everybody who waits, whatever is taken and given back', async () => {
    const step = fc.record({
      caller: fc.constantFrom('a', 'b', 'c'),
      bytes: fc.constantFrom(1, TILE / 4, TILE),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const pool = new BufferPool(2, 3);
        const streams = steps.map(async ({ caller, bytes }) => {
          const buffers = pool.enter(caller);
          for (let tile = 0; tile < 3; tile++) {
            if (!buffers.hasUrgentRoom()) await buffers.room(never);
            const buffer = buffers.take(bytes);
            expect(pool.bytesInUse).toBeLessThan(4 * TILE);
            await Promise.resolve();
            buffers.give(buffer);
          }
          buffers.leave();
        });
        await Promise.all(streams);
        expect([pool.bytesInUse, pool.waiting]).toEqual([0, 0]);
      }),
    );
  });
});
