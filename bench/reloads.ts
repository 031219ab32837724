/**
 * Replaces the models of a server again and again, with a prediction after each, and measures the memory of the process:
 * `npm run build && node -r ./bench/register.cjs bench/reloads.ts [COUNT]` writes bench/results/reloads.json.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../test/support/admin';
import { residentMemory } from '../test/support/memory';
import { MODEL, replaceBy, writeVersion } from '../test/support/model-versions';
import { predictAll } from '../test/support/predicted';
import { SMALL } from '../test/support/requests';
import { startServer } from '../test/support/server-process';

const WARM = 20;
const BAR = 1.05;

/** Resident memory wavers with what the collector has done last: the least of some readings. */
const READINGS = 5;

async function main(count: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'logah-reloads-'));
  const bundle = join(directory, 'model');
  await writeVersion(bundle, 'fan_in');
  const flags = ['--workers', '2', '--models-poll-seconds', '0', '--admin', 'loopback'];
  const server = await startServer({ models: directory, flags });
  const admin = new AdminClient(server.address);
  const series: { reloads: number; bytes: number }[] = [];
  const seconds: number[] = [];
  const residents: number[] = [];
  try {
    for (let reload = 1; reload <= count; reload++) {
      await replaceBy(bundle, reload % 2 === 0 ? 'fan_in' : 'std');
      const started = performance.now();
      const { changed, broken } = await admin.reload();
      if (!changed) throw new Error(`nothing changed: ${JSON.stringify(broken)}`);
      seconds.push((performance.now() - started) / 1000);
      await predictAll(server.client, { ...SMALL, model: MODEL });
      residents.push(residentMemory(server.pid));
      if (reload % WARM === 0) {
        const bytes = Math.min(...residents.slice(-READINGS));
        series.push({ reloads: reload, bytes });
        console.log(`${reload} reloads: ${(bytes / 2 ** 20).toFixed(1)} MiB`);
      }
    }
  } finally {
    admin.close();
    await server.stop();
    await rm(directory, { recursive: true });
  }
  const [first, last] = [series[0]?.bytes ?? NaN, series.at(-1)?.bytes ?? NaN];
  const sorted = seconds.sort((one, other) => one - other);
  const result = {
    reloads: count,
    workers: 2,
    node: process.version,
    medianReloadSeconds: sorted[Math.floor(sorted.length / 2)],
    residentBytes: series,
    growth: last / first,
    bar: BAR,
    met: last / first <= BAR,
  };
  await writeFile(join(__dirname, 'results', 'reloads.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(result);
}

main(Number(process.argv[2] ?? 200)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
