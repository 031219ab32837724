/** Streams at a time, with health checks meanwhile, by `logah bench`, against a server of its own. */

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadReport } from '../src/cli/commands/bench';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { configBytes, VIT_BASE } from './architectures';
import { mainOf, startService } from './processes';
import type { Concurrency } from './results';
import type { Setup } from './setup';

const STREAMS = [1, 4, 16, 64] as const;
/** Rounds that count; a round of many streams takes long, and its streams already are many. */
const repeatsOf = (streams: number): number => (streams > 16 ? 1 : 3);

export async function measureConcurrency(setup: Setup): Promise<readonly Concurrency[]> {
  const { build, work, say } = setup;
  const file = join(work, 'vit-base.json');
  await writeFile(file, configBytes(VIT_BASE));
  const results: Concurrency[] = [];
  for (const streams of STREAMS) {
    // A server of its own for each, since memory that was needed once is kept for the next time.
    const service = await startService(build, join(work, 'models'));
    try {
      const load = ['bench', '--server', service.target, '--file', file, '--json'];
      const args = [...load, '--streams', String(streams), '--repeats', String(repeatsOf(streams))];
      const { stdout } = await promisify(execFile)(process.execPath, [mainOf(build), ...args]);
      const { megabytesPerSecond, firstChunkMs, healthMs } = JSON.parse(stdout) as LoadReport;
      if (healthMs === null) throw new Error('the server answered no health check');
      results.push({
        streams,
        architecture: VIT_BASE.name,
        megabytesPerSecond,
        firstChunkMs,
        healthP50Ms: healthMs.p50,
        healthP99Ms: healthMs.p99,
        serverPeakBytes: linuxPeakMemory(service.pid) ?? 0,
      });
      say(`${streams} streams: ${megabytesPerSecond.median.toFixed(0)} MB/s`);
    } finally {
      await service.stop();
    }
  }
  return results;
}
