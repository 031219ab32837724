/** Turns of writing: by caller, a bounded number of bytes for each round of the event loop, and nobody waits for nothing. */

import { WriteTurns } from '../../../src/server/answers/write-turns';

const ROUND = 1000;

/** Streams of a caller that write messages of so many bytes, one after the other, until `stop`. */
function writers(turns: WriteTurns, caller: string, streams: number, bytes: number) {
  const written = { bytes: 0 };
  let isOver = false;
  const all = Array.from({ length: streams }, async () => {
    const stream = {};
    while (!isOver) {
      await turns.wait({ caller, stream }, bytes);
      written.bytes += bytes;
    }
  });
  const stop = async (): Promise<void> => {
    isOver = true;
    await Promise.all(all);
  };
  return { written, stop };
}

const rounds = async (count: number): Promise<void> => {
  for (let round = 0; round < count; round++) await new Promise(setImmediate);
};

describe('turns of writing', () => {
  it('are at once where nobody else writes', async () => {
    const turns = new WriteTurns(ROUND);
    let isDone = false;
    void turns.wait({ caller: 'a', stream: {} }, 5 * ROUND).then(() => {
      isDone = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(isDone).toBe(true);
  });

  it('are as many bytes for a caller of one stream as for one of sixty, whatever the size of their messages', async () => {
    const turns = new WriteTurns(ROUND);
    const greedy = writers(turns, 'greedy', 60, 500);
    const modest = writers(turns, 'modest', 1, 100);
    await rounds(200);
    const share = modest.written.bytes / greedy.written.bytes;
    await Promise.all([greedy.stop(), modest.stop()]);
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(1.25);
  });

  it('fill each round of the event loop and no more, for a caller that is alone', async () => {
    const turns = new WriteTurns(ROUND);
    const { written, stop } = writers(turns, 'a', 8, 250);
    await rounds(10);
    const before = written.bytes;
    await rounds(10);
    expect(written.bytes - before).toBe(10 * ROUND);
    await stop();
  });

  it('come to every stream', async () => {
    const turns = new WriteTurns(ROUND);
    const streams = Array.from({ length: 500 }, (_, index) => ({ caller: `c${index % 7}`, stream: {} }));
    await Promise.all(streams.map((turn) => turns.wait(turn, 300)));
  });
});
