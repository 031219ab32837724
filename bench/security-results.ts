/** The figures of `bench/security.ts`. */

import type { Spread } from '../src/cli/output/statistics';
import type { Overhead } from './observability';
import type { Estimate } from './paired';

/** What a way of serving took. */
export interface Side {
  readonly seconds: Spread;
  readonly serverCpuSeconds: Spread;
}

export interface SecurityResults {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  readonly commit: string;
  readonly rounds: number;
  readonly tls: {
    readonly architecture: string;
    readonly bytes: number;
    readonly cipher: string;
    readonly plain: Side;
    readonly tls: Side;
    /** Throughput with TLS over that without, round by round. */
    readonly ratio: Estimate;
  };
  readonly authentication: {
    readonly architecture: string;
    /** Lines of the file of callers. */
    readonly callers: number;
    readonly rounds: number;
    readonly withoutMs: Spread;
    readonly withMs: Spread;
    /** With a token over without, round by round. */
    readonly ratio: Estimate;
    /** The same of the server's processor time until then, what it decodes ahead included. */
    readonly serverCpu: Estimate;
  };
  readonly fairness: {
    readonly architecture: string;
    readonly greedyStreams: number;
    /** Elements a second. */
    readonly alone: Spread;
    readonly modest: Spread;
    readonly greedy: Spread;
    /** What the modest keeps of its throughput alone, round by round. */
    readonly kept: Spread;
    /** What the one with fewer elements gets of what the other gets, round by round. */
    readonly balance: Spread;
  };
  readonly overhead: Overhead;
}
