/** What is told of one call when it has ended: to the log, to the metrics and to its trace. */

import type { Timings__Output } from '../../gen/logah/v1/Timings';
import type { TraceContext } from './trace-context';

/** The stages of a prediction, in their order. */
export const STAGES = ['plan', 'encode', 'decode', 'write'] as const;

export type Stage = (typeof STAGES)[number];

/** When a stage was at work, in milliseconds as `performance.now` has them, and for how long of it, in seconds. */
export interface StageTime {
  readonly start: number;
  readonly end: number;
  readonly seconds: number;
}

/** What a prediction is of. */
export interface Prediction {
  readonly model: string;
  readonly parameters: number;
}

/** One call, from its headers to the end of its HTTP/2 stream. */
export class CallRecord {
  /** As in HTTP/2: "/logah.v1.LogahService/Predict". */
  readonly path: string;
  /** Milliseconds, as `performance.now` has them. */
  readonly started = performance.now();
  readonly stages = new Map<Stage, StageTime>();
  /** What the caller sent of its trace; undefined: nothing. */
  trace: TraceContext | undefined;
  prediction: Prediction | undefined;
  /** Bytes of messages, without gRPC's prefixes. */
  sentBytes = 0;
  receivedBytes = 0;
  /** gRPC's status code; undefined until one is sent. */
  status: number | undefined;
  #ended: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Notes a stage that was at work from `start` on until `end`; all of that time unless `seconds` says otherwise. */
  stage(stage: Stage, start: number, end: number, seconds = (end - start) / 1000): void {
    this.stages.set(stage, { start, end, seconds });
  }

  /** Notes that it has ended. */
  end(): void {
    this.#ended = performance.now();
  }

  /** When it ended, as `performance.now` has it; before that, now. */
  get ended(): number {
    return this.#ended ?? performance.now();
  }

  /** Seconds from its headers to its end. */
  get seconds(): number {
    return (this.ended - this.started) / 1000;
  }

  /** Seconds by stage, as the summary of a stream has them. */
  get timings(): Timings__Output {
    const [planSeconds = 0, encodeSeconds = 0, decodeSeconds = 0, writeSeconds = 0] = STAGES.map(
      (stage) => this.stages.get(stage)?.seconds ?? 0,
    );
    const streamSeconds = decodeSeconds + writeSeconds;
    return { planSeconds, encodeSeconds, streamSeconds, decodeSeconds, writeSeconds };
  }
}
