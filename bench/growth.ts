/** Time and memory against the size of the network. */

import { join } from 'node:path';
import { spreadOf } from '../src/cli/output/statistics';
import { connect } from '../src/client';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { GROWTH } from './architectures';
import { resetPeakMemory, startClient, startService } from './processes';
import type { Growth, GrowthPoint } from './results';
import { requestFor, type Setup } from './setup';

/** Networks of more bytes are fetched once. */
const REPEATED_BELOW_BYTES = 8e9;
const REPEATS = 3;

/** Each network against a server and with a client of its own, so that none inherits another's memory. */
export async function measureGrowth({ build, work, say }: Setup): Promise<Growth> {
  const points: GrowthPoint[] = [];
  for (const architecture of GROWTH) {
    const service = await startService(build, join(work, 'models'));
    const client = startClient();
    try {
      const stub = connect(service.target);
      const plan = await stub.plan(requestFor(architecture));
      stub.close();
      const job = { kind: 'predict', target: service.target, request: requestFor(architecture) } as const;
      const seconds: number[] = [];
      const repeats = plan.totalBytes < REPEATED_BELOW_BYTES ? REPEATS : 1;
      // One before them warms up, of a small network where this one is large.
      await client.perform(repeats > 1 ? job : { ...job, request: requestFor(GROWTH[1] ?? architecture) });
      resetPeakMemory(service.pid);
      resetPeakMemory(client.pid);
      while (seconds.length < repeats) seconds.push((await client.perform(job)).seconds);
      points.push({
        architecture: architecture.name,
        parameters: plan.coverage.parameters,
        bytes: plan.totalBytes,
        seconds: spreadOf(seconds),
        serverPeakBytes: linuxPeakMemory(service.pid) ?? 0,
        clientPeakBytes: linuxPeakMemory(client.pid) ?? 0,
      });
      say(`${architecture.name}: ${spreadOf(seconds).median.toFixed(2)} s`);
    } finally {
      await client.stop();
      await service.stop();
    }
  }
  return { points, ...fitLine(points) };
}

/** The least-squares line of the median seconds against parameters. */
function fitLine(points: readonly GrowthPoint[]): Pick<Growth, 'rSquared' | 'secondsPerBillion'> {
  const xs = points.map(({ parameters }) => parameters / 1e9);
  const ys = points.map(({ seconds }) => seconds.median);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const covariance = mean(xs.map((x, index) => (x - meanX) * ((ys[index] ?? 0) - meanY)));
  const varianceX = mean(xs.map((x) => (x - meanX) ** 2));
  const varianceY = mean(ys.map((y) => (y - meanY) ** 2));
  return {
    secondsPerBillion: covariance / varianceX,
    rSquared: covariance ** 2 / (varianceX * varianceY),
  };
}
