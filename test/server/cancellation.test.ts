import { EventEmitter, setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { cancellable } from '../../src/server/cancellation';

const CALLS = 100;

class FakeCall extends EventEmitter {
  cancelled = false;

  getDeadline(): number {
    return Infinity;
  }

  cancel(): void {
    this.cancelled = true;
    this.emit('cancelled');
  }
}

it('calls that are cancelled together end one in a turn of the event loop', async () => {
  const calls = Array.from({ length: CALLS }, () => new FakeCall());
  const { signal: closing } = new AbortController();
  setMaxListeners(CALLS, closing);
  let ended = 0;
  const all = calls.map((call) =>
    cancellable(
      call,
      closing,
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            ended++;
            resolve();
          });
        }),
    ),
  );
  for (const call of calls) call.cancel();
  let before = ended;
  expect(before).toBeLessThanOrEqual(1);
  while (ended < CALLS) {
    await nextTurn();
    expect(ended - before).toBeLessThanOrEqual(1);
    before = ended;
  }
  await Promise.all(all);
});
