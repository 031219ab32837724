/** How loaded a server is, for balancers: measured over a second or more, and told in the trailers of calls. */

import { availableParallelism, totalmem } from 'node:os';
import { status } from '@grpc/grpc-js';
import { encodeLoadReport } from '../../contract/load-report';

/** As long as figures are of the last so many milliseconds, they are not measured again. */
const WINDOW_MS = 1000;

/** Statuses that tell of a fault of the server. */
const FAULTS: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** What is held of what may be, by name. */
export type Shares = () => Readonly<Record<string, number>>;

export class Load {
  readonly #shares: Shares;
  readonly #cores = availableParallelism();
  readonly #memory = memoryLimit();
  #since = performance.now();
  #cpu = process.cpuUsage();
  #calls = 0;
  #faults = 0;
  #report: Buffer | undefined;

  constructor(shares: Shares) {
    this.#shares = shares;
  }

  /** Counts a call that ends with this status; the report for its trailers. */
  ended(code: number): Buffer {
    this.#calls++;
    if (FAULTS.has(code)) this.#faults++;
    const now = performance.now();
    const seconds = (now - this.#since) / 1000;
    if (this.#report !== undefined && seconds * 1000 < WINDOW_MS) return this.#report;
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpuUtilization = (user + system) / 1e6 / seconds / this.#cores;
    const utilization = this.#shares();
    this.#report = encodeLoadReport({
      cpuUtilization,
      memUtilization: process.memoryUsage.rss() / this.#memory,
      applicationUtilization: Math.max(cpuUtilization, ...Object.values(utilization)),
      rpsFractional: this.#calls / seconds,
      eps: this.#faults / seconds,
      utilization,
    });
    this.#since = now;
    this.#cpu = process.cpuUsage();
    this.#calls = this.#faults = 0;
    return this.#report;
  }
}

/** Of the container, or of the machine. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
