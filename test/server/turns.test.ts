import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turns } from '../../src/server/turns';

const SOME = 5;

it('the first piece of a turn is done at once, and one of the others in each that follows, with what comes of it', async () => {
  const turns = new Turns();
  const done: string[] = [];
  for (let index = 0; index < SOME; index++) {
    turns.run(() => {
      done.push(`piece ${index}`);
      void Promise.resolve().then(() => done.push(`what comes of ${index}`));
    });
  }
  expect(done).toEqual(['piece 0']);
  while (done.length < 2 * SOME) await nextTurn();
  expect(done).toEqual(
    Array.from({ length: SOME }, (_, index) => [`piece ${index}`, `what comes of ${index}`]).flat(),
  );
});

it('all that wait can be done at once, and are not done again', () => {
  const turns = new Turns();
  const done: number[] = [];
  turns.run(() => done.push(0));
  turns.run(() => done.push(1));
  turns.run(() => done.push(2));
  turns.flush();
  expect(done).toEqual([0, 1, 2]);
  turns.flush();
  expect(done.length).toBe(3);
});
