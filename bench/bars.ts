/** What the service sets itself, and whether it keeps to it. */

import type { Results } from './results';

export interface Bar {
  readonly what: string;
  readonly bar: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const MEGABYTE = 1e6;
/** A network of so many is there for the encoder's memory. */
const MANY_NODES = 8000;

/** Ratios are medians of those within a round. */
export function barsOf({
  throughput,
  latency,
  concurrency,
  growth,
  cores = [],
  herd,
}: Results): readonly Bar[] {
  const { architecture: large, ceiling, dense, f16, bf16, factors, core, naive, denseBytes } = throughput;
  const atLeast = (what: string, value: number, least: number, digits = 2): Bar => ({
    what,
    bar: `at least ${least.toFixed(digits)}`,
    measured: value.toFixed(digits),
    isMet: value >= least,
  });
  const atMost = (what: string, value: number, most: number, unit: string, digits = 0): Bar => ({
    what,
    bar: `at most ${most.toFixed(digits)}${unit}`,
    measured: `${value.toFixed(digits)}${unit}`,
    isMet: value <= most,
  });
  const point = (name: string): number =>
    growth.points.find(({ architecture }) => architecture === name)?.serverPeakBytes ?? NaN;
  const streams = (count: number) => {
    const found = concurrency.find((entry) => entry.streams === count);
    if (found === undefined) throw new Error(`nothing was measured with ${count} streams`);
    return found;
  };
  const [one, sixteen] = [streams(1), streams(16)];
  return [
    atLeast(`${large}, dense: throughput against the ceiling`, ceiling.timesDense.median, 0.8),
    atMost(`${large}, dense: bfloat16 against float32, time`, bf16.timesDense.median, 0.6, '', 2),
    atMost(`${large}, dense: float16 against float32, time`, f16.timesDense.median, 0.6, '', 2),
    atLeast(
      `${large}, dense over the network: times as fast as plain PyTorch in process`,
      naive.seconds.median / dense.seconds.median,
      10,
      1,
    ),
    atMost('server peak memory, against plain PyTorch', dense.serverPeakBytes / naive.peakBytes, 0.1, '', 3),
    ...[large, 'GPT-2-XL', 'Llama-7B'].map((name) =>
      atMost(`${name}: server peak memory`, point(name) / MEGABYTE, 350, ' MB'),
    ),
    atMost(`Llama-7B: server peak memory, against ${large}`, point('Llama-7B') / point(large), 1.15, '', 2),
    atMost(`${large}, factors: bytes, against dense`, factors.bytes / denseBytes, 1 / 30, '', 4),
    atMost(
      `${large}, factors: time until every dense tensor is held, against dense`,
      factors.timesDense.median,
      0.6,
      '',
      2,
    ),
    atMost(`${large}, cores: bytes`, core.bytes / MEGABYTE, 1, ' MB', 2),
    atMost(`${large}: first chunk`, latency.firstChunkNewMs.median, 150, ' ms'),
    atMost(`${large}: first chunk, again`, latency.firstChunkRepeatedMs.median, 40, ' ms'),
    atMost(`${latency.tinyArchitecture} whole, again`, latency.wholeRepeatedMs.median, 60, ' ms'),
    atLeast(
      `16 streams of ${sixteen.architecture}: throughput, against one`,
      sixteen.megabytesPerSecond.median / one.megabytesPerSecond.median,
      0.8,
    ),
    atMost('16 streams: server peak memory', sixteen.serverPeakBytes / MEGABYTE, 600, ' MB'),
    atMost('16 streams: health checks, p99', sixteen.healthP99Ms, 50, ' ms'),
    ...cores.flatMap(({ architecture, nodes, firstSeconds, againSeconds, serverPeakBytes }) => [
      ...(nodes < MANY_NODES
        ? [
            atMost(`${architecture}, cores: first`, firstSeconds, 2, ' s', 2),
            atMost(`${architecture}, cores: again`, againSeconds.median, 0.1, ' s', 2),
          ]
        : []),
      atMost(`${architecture}, cores: server peak memory`, serverPeakBytes / MEGABYTE, 400, ' MB'),
    ]),
    ...(herd === undefined
      ? []
      : [
          atMost(
            `${herd.ranks} ranks of ${herd.architecture} at once, cores: server CPU, against one`,
            herd.all.serverCpuSeconds / herd.one.serverCpuSeconds,
            3,
            '',
            2,
          ),
        ]),
    atLeast('r² of time against parameters', growth.rSquared, 0.99, 4),
  ];
}
