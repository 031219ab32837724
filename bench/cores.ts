/** Cores: of the largest networks, and for a herd of ranks that ask for the same at the same moment. */

import { join } from 'node:path';
import { spreadOf } from '../src/cli/output/statistics';
import { connect } from '../src/client';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { GPT2_XL, LLAMA_405B, MANY_NODES, VIT_TINY, type Architecture } from './architectures';
import { processorSeconds, resetPeakMemory, startService, type RunningServer } from './processes';
import type { CoreAnswer, Herd } from './results';
import { requestFor, type Setup } from './setup';

/** Times that what the server has is asked for again. */
const AGAIN = 10;
const RANKS = 64;
const PATIENCE_MS = 600_000;

/** Each against a server of its own, so that none inherits another's memory. */
export async function measureCores(setup: Setup): Promise<readonly CoreAnswer[]> {
  const answers: CoreAnswer[] = [];
  for (const architecture of [LLAMA_405B, MANY_NODES]) answers.push(await measure(setup, architecture));
  return answers;
}

async function measure({ build, work, say }: Setup, architecture: Architecture): Promise<CoreAnswer> {
  const service = await startService(build, join(work, 'models'), ['--max-nodes', '16384']);
  try {
    // One before it warms up.
    await fetchCores(service, VIT_TINY);
    resetPeakMemory(service.pid);
    const first = await timed(service, () => fetchCores(service, architecture));
    const seconds: number[] = [];
    const again = await timed(service, async () => {
      while (seconds.length < AGAIN) {
        seconds.push((await timed(service, () => fetchCores(service, architecture))).seconds);
      }
    });
    const { parameters, nodes, bytes } = first.result;
    say(
      `${architecture.name}, cores: ${first.seconds.toFixed(2)} s, again ${spreadOf(seconds).median.toFixed(2)} s`,
    );
    return {
      architecture: architecture.name,
      parameters,
      nodes,
      bytes,
      firstSeconds: first.seconds,
      firstServerCpuSeconds: first.serverCpuSeconds,
      againSeconds: spreadOf(seconds),
      againServerCpuSeconds: again.serverCpuSeconds / AGAIN,
      serverPeakBytes: linuxPeakMemory(service.pid) ?? 0,
    };
  } finally {
    await service.stop();
  }
}

/** One rank, and many at the same moment, each against a server that has not met the network. */
export async function measureHerd({ build, work, say }: Setup): Promise<Herd> {
  const stampede = async (ranks: number) => {
    const service = await startService(build, join(work, 'models'));
    try {
      await fetchCores(service, VIT_TINY);
      resetPeakMemory(service.pid);
      const { seconds, serverCpuSeconds, result } = await timed(service, () =>
        Promise.all(Array.from({ length: ranks }, () => fetchCores(service, GPT2_XL))),
      );
      const bytes = result.reduce((sum, answer) => sum + answer.bytes, 0);
      return { seconds, serverCpuSeconds, bytes, serverPeakBytes: linuxPeakMemory(service.pid) ?? 0 };
    } finally {
      await service.stop();
    }
  };
  const one = await stampede(1);
  const all = await stampede(RANKS);
  say(
    `${RANKS} ranks of ${GPT2_XL.name}, cores: ${all.serverCpuSeconds.toFixed(2)} s of the server's CPU, ` +
      `${one.serverCpuSeconds.toFixed(2)} s for one`,
  );
  return { architecture: GPT2_XL.name, ranks: RANKS, one, all };
}

/** An answer of cores, by a client and a connection of its own. */
async function fetchCores(
  { target }: RunningServer,
  architecture: Architecture,
): Promise<{ readonly parameters: number; readonly nodes: number; readonly bytes: number }> {
  const client = connect(target, { patienceMs: PATIENCE_MS });
  let plan = { parameters: 0, nodes: 0 };
  let bytes = 0;
  try {
    const request = requestFor(architecture, { representation: 'REPRESENTATION_CORE' });
    for await (const event of client.predict(request)) {
      if (event.kind === 'plan') {
        const { coverage, nodes } = event.plan;
        plan = { parameters: coverage.parameters, nodes };
      }
      if (event.kind === 'data') bytes += event.data.length;
    }
  } finally {
    client.close();
  }
  return { ...plan, bytes };
}

/** What something takes, and the server's processor time meanwhile. */
async function timed<Result>(
  { pid }: RunningServer,
  act: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly seconds: number; readonly serverCpuSeconds: number }> {
  const before = processorSeconds(pid) ?? 0;
  const started = performance.now();
  const result = await act();
  const seconds = (performance.now() - started) / 1000;
  return { result, seconds, serverCpuSeconds: (processorSeconds(pid) ?? 0) - before };
}
