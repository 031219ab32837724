/** What the benchmark measures: the shape of `bench/results/performance.json`. */

import type { Spread } from '../src/cli/output/statistics';

/** Where and with what it was measured. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly grpc: string;
  readonly onnxruntime: string;
  readonly commit: string;
  /** The hypernetwork that predicts. */
  readonly model: { readonly name: string; readonly rank: number };
}

/** One way to get the parameters into the client's memory. */
export interface Way {
  readonly seconds: Spread;
  /** Bytes that travelled. */
  readonly bytes: number;
  readonly serverCpuSeconds: Spread;
  readonly clientCpuSeconds: Spread;
  readonly serverPeakBytes: number;
  readonly clientPeakBytes: number;
  /** Its seconds, divided by those of dense in the same round. */
  readonly timesDense: Spread;
}

/** Ways to fetch the same parameters, taken in turns. */
export interface Throughput {
  readonly architecture: string;
  readonly denseBytes: number;
  readonly rounds: number;
  readonly ceiling: Way;
  readonly dense: Way;
  /** Dense, without the client's checks (no CRC-32). */
  readonly unchecked: Way;
  readonly f16: Way;
  readonly bf16: Way;
  readonly factors: Way;
  readonly core: Way;
  readonly naive: { readonly seconds: Spread; readonly peakBytes: number; readonly torch: string };
}

export interface Latency {
  readonly architecture: string;
  /** Milliseconds from the call to the first chunk of a network that the server has not met. */
  readonly firstChunkNewMs: Spread;
  readonly firstChunkRepeatedMs: Spread;
  readonly tinyArchitecture: string;
  /** Milliseconds from the call to the end. */
  readonly wholeNewMs: Spread;
  readonly wholeRepeatedMs: Spread;
}

export interface Concurrency {
  readonly streams: number;
  readonly architecture: string;
  readonly megabytesPerSecond: Spread;
  readonly firstChunkMs: Spread;
  readonly healthP50Ms: number;
  readonly healthP99Ms: number;
  readonly serverPeakBytes: number;
}

export interface GrowthPoint {
  readonly architecture: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly seconds: Spread;
  readonly serverPeakBytes: number;
  readonly clientPeakBytes: number;
}

export interface Growth {
  readonly points: readonly GrowthPoint[];
  /** Of the least-squares line of seconds against parameters. */
  readonly rSquared: number;
  readonly secondsPerBillion: number;
}

/** A network's cores, from a server that has not met it, and again. */
export interface CoreAnswer {
  readonly architecture: string;
  readonly parameters: number;
  readonly nodes: number;
  readonly bytes: number;
  readonly firstSeconds: number;
  readonly firstServerCpuSeconds: number;
  readonly againSeconds: Spread;
  readonly againServerCpuSeconds: number;
  readonly serverPeakBytes: number;
}

/** What ranks took who asked at the same moment. */
export interface Stampede {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  /** Of all answers. */
  readonly bytes: number;
  readonly serverPeakBytes: number;
}

export interface Herd {
  readonly architecture: string;
  readonly ranks: number;
  readonly one: Stampede;
  readonly all: Stampede;
}

export interface Results {
  readonly machine: Machine;
  readonly throughput: Throughput;
  readonly latency: Latency;
  readonly concurrency: readonly Concurrency[];
  readonly growth: Growth;
  /** Undefined in files of before. */
  readonly cores?: readonly CoreAnswer[];
  readonly herd?: Herd;
}
