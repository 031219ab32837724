/** Begins and ends the records of calls. */

import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Turns } from '../turns';
import { CallRecord } from './call-record';
import type { Metrics } from './metrics';
import type { Tracing } from './tracing';

/** Calls that are many and say little. */
const QUIET = /^\/(?:grpc\.(?:health|reflection)\.|logah\.v1\.LogahService\/GetActivity$)/;

/** Who a call comes from. */
export interface CallOrigin {
  readonly requestId: string;
  /** Empty: nobody asked. */
  readonly caller: string;
  readonly peer: string;
}

export class Telemetry {
  readonly metrics: Metrics;
  readonly #tracing: Tracing | undefined;
  readonly #logger: Logger;
  /** A connection that ends may end a hundred calls. */
  readonly #endings = new Turns();

  /** `tracing` undefined: no trace is recorded. */
  constructor(metrics: Metrics, tracing: Tracing | undefined, logger: Logger) {
    this.metrics = metrics;
    this.#tracing = tracing;
    this.#logger = logger;
  }

  begin(path: string): CallRecord {
    this.metrics.callStarted(path);
    return new CallRecord(path);
  }

  /** The trace that a call belongs to; its span begins here. */
  trace(record: CallRecord): string | undefined {
    return this.#tracing?.begin(record) ?? record.trace?.traceId;
  }

  /** Tells of a call that has ended, now or soon. */
  end(record: CallRecord, origin: CallOrigin, traceId: string | undefined): void {
    record.end();
    this.#endings.run(() => {
      this.#tell(record, origin, traceId);
    });
  }

  /** Tells of all that have ended. */
  flush(): void {
    this.#endings.flush();
  }

  #tell(record: CallRecord, { requestId, caller, peer }: CallOrigin, traceId: string | undefined): void {
    this.metrics.callEnded(record, caller);
    this.#tracing?.end(record, caller);
    const level = QUIET.test(record.path) ? 'debug' : 'info';
    this.#logger[level](
      {
        requestId,
        ...(traceId !== undefined && { traceId }),
        ...(caller !== '' && { caller }),
        peer,
        method: record.path.slice(record.path.lastIndexOf('/') + 1),
        status: status[record.status ?? status.CANCELLED] ?? 'UNKNOWN',
        seconds: record.seconds,
        receivedBytes: record.receivedBytes,
        sentBytes: record.sentBytes,
        ...record.prediction,
        ...(record.stages.size > 0 && record.timings),
      },
      'call',
    );
  }
}
