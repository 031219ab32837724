import { linuxPeakMemory } from '../../src/server/peak-memory';
import { BUNDLE } from '../support/parity-fixtures';
import { LARGE } from '../support/requests';
import { startServer } from '../support/server-process';

it('streams half a gigabyte in less than 350 MB of memory', async () => {
  const server = await startServer({ models: BUNDLE });
  let bytes = 0;
  let reported = 0;
  for await (const event of server.client.predict(LARGE)) {
    if (event.kind === 'data') bytes += event.data.length;
    else if (event.kind === 'summary') reported = event.summary.peakMemoryBytes;
  }
  expect(bytes).toBe(497_759_232);
  const measured = linuxPeakMemory(server.pid);
  if (measured !== undefined) expect(Math.abs(reported / measured - 1)).toBeLessThan(0.1);
  expect(measured ?? reported).toBeLessThan(350e6);
  await server.stop();
});
