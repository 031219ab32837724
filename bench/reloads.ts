/**
 * Replaces the models of a server again and again, with predictions after each, and measures the memory of the process, with
 * the allocator as it is and as the image sets it: `npm run bench:reloads -- [COUNT]` writes bench/results/reloads.json.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogahClient } from '../src/client';
import { AdminClient } from '../test/support/admin';
import { residentMemory } from '../test/support/memory';
import { MODEL, replaceBy, writeVersion } from '../test/support/model-versions';
import { predictAll } from '../test/support/predicted';
import { SMALL } from '../test/support/requests';
import { startServer } from '../test/support/server-process';

const WARM = 20;
const BAR = 1.05;
const WORKERS = 2;

/**
 * Predictions after each reload, so many at a time. A server that answers next to nothing first uses up the room that V8 gives
 * the main thread's young objects, 32 MB, which is not what is looked for.
 */
const CALLS = 100;
const AT_A_TIME = 10;

/** Collects the garbage of the main thread when it is told to; until V8 does so by itself, tens of megabytes come and go. */
const HEAP_PROBE = join(__dirname, '..', 'test', 'support', 'heap-probe.cjs');

/** Threads of the set before may still be ending: the least of some readings. */
const READINGS = 5;
const READING_MS = 100;

/** How glibc's allocator is set. */
const ALLOCATORS = {
  'as it is': {},
  'as in the image': { MALLOC_MMAP_THRESHOLD_: '131072' },
} as const;

interface Reloads {
  readonly allocator: keyof typeof ALLOCATORS;
  readonly medianReloadSeconds: number;
  /** Resident memory after so many reloads, as it is, and when the main thread's garbage has been collected. */
  readonly residentBytes: readonly {
    readonly reloads: number;
    readonly bytes: number;
    readonly collectedBytes: number;
  }[];
  /** Of what is collected, from the first 20 reloads to the last. */
  readonly growth: number;
  readonly met: boolean;
}

async function predictOften(client: LogahClient): Promise<void> {
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (let call = 0; call < CALLS / AT_A_TIME; call++)
        await predictAll(client, { ...SMALL, model: MODEL });
    }),
  );
}

async function leastMemory(pid: number): Promise<number> {
  let least = Infinity;
  for (let reading = 0; reading < READINGS; reading++) {
    await new Promise((resolve) => setTimeout(resolve, READING_MS));
    least = Math.min(least, residentMemory(pid));
  }
  return least;
}

async function measure(allocator: keyof typeof ALLOCATORS, count: number): Promise<Reloads> {
  const directory = await mkdtemp(join(tmpdir(), 'logah-reloads-'));
  const bundle = join(directory, 'model');
  await writeVersion(bundle, 'fan_in');
  const flags = ['--workers', String(WORKERS), '--models-poll-seconds', '0', '--admin', 'loopback'];
  const server = await startServer({
    models: directory,
    flags,
    environment: { ...ALLOCATORS[allocator], NODE_OPTIONS: `--require ${HEAP_PROBE}` },
    keepsLog: () => false,
  });
  const admin = new AdminClient(server.address);
  const series: Reloads['residentBytes'][number][] = [];
  const seconds: number[] = [];
  try {
    for (let reload = 1; reload <= count; reload++) {
      await replaceBy(bundle, reload % 2 === 0 ? 'fan_in' : 'std');
      const started = performance.now();
      const { changed, broken } = await admin.reload();
      if (!changed) throw new Error(`nothing changed: ${JSON.stringify(broken)}`);
      seconds.push((performance.now() - started) / 1000);
      await predictOften(server.client);
      if (reload % WARM === 0) {
        const bytes = residentMemory(server.pid);
        const collected = server.logged('heap');
        server.kill('SIGUSR2');
        await collected;
        const collectedBytes = await leastMemory(server.pid);
        series.push({ reloads: reload, bytes, collectedBytes });
        console.log(
          `allocator ${allocator}, ${reload} reloads: ${[bytes, collectedBytes].map((one) => (one / 2 ** 20).toFixed(1)).join(', ')} MiB`,
        );
      }
    }
  } finally {
    admin.close();
    await server.stop();
    await rm(directory, { recursive: true });
  }
  const [first, last] = [series[0]?.collectedBytes ?? NaN, series.at(-1)?.collectedBytes ?? NaN];
  const sorted = seconds.sort((one, other) => one - other);
  return {
    allocator,
    medianReloadSeconds: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    residentBytes: series,
    growth: last / first,
    met: last / first <= BAR,
  };
}

async function main(count: number): Promise<void> {
  const runs: Reloads[] = [];
  for (const allocator of Object.keys(ALLOCATORS) as (keyof typeof ALLOCATORS)[]) {
    runs.push(await measure(allocator, count));
  }
  const result = {
    reloads: count,
    workers: WORKERS,
    node: process.version,
    callsBetween: CALLS,
    bar: BAR,
    runs,
  };
  await writeFile(join(__dirname, 'results', 'reloads.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 1));
}

main(Number(process.argv[2] ?? 200)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
