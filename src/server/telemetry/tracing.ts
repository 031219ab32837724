/** Spans of calls and their stages, for OpenTelemetry. Loaded only where a trace is asked for. */

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  createTraceState,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { status } from '@grpc/grpc-js';
import type { CallRecord } from './call-record';
import type { TraceContext } from './trace-context';

/** Codes that tell of a fault of the server, by OpenTelemetry's conventions for gRPC. */
const FAULTS: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** What records traces. */
export interface Tracing {
  /** Begins the span of a call; its trace id. */
  begin(record: CallRecord): string;
  /** Ends it, with a child for each stage. */
  end(record: CallRecord, caller: string): void;
}

/** Records spans with a tracer of OpenTelemetry's. */
export class SpanTracing implements Tracing {
  readonly #tracer: Tracer;
  readonly #spans = new WeakMap<CallRecord, Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  begin(record: CallRecord): string {
    const method = record.path.slice(1);
    const span = this.#tracer.startSpan(
      method,
      {
        kind: SpanKind.SERVER,
        startTime: epoch(record.started),
        attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method },
      },
      contextOf(record.trace),
    );
    this.#spans.set(record, span);
    return span.spanContext().traceId;
  }

  end(record: CallRecord, caller: string): void {
    const span = this.#spans.get(record);
    if (span === undefined) return;
    const context = trace.setSpan(ROOT_CONTEXT, span);
    for (const [stage, { start, end, seconds }] of record.stages) {
      const attributes = { 'logah.stage.seconds': seconds };
      this.#tracer.startSpan(stage, { startTime: epoch(start), attributes }, context).end(epoch(end));
    }
    const code = record.status ?? status.CANCELLED;
    span.setAttribute('rpc.response.status_code', status[code] ?? 'UNKNOWN');
    if (FAULTS.has(code)) {
      span.setAttribute('error.type', status[code] ?? 'UNKNOWN');
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    if (caller !== '') span.setAttribute('enduser.id', caller);
    if (record.prediction !== undefined) {
      span.setAttribute('logah.model', record.prediction.model);
      span.setAttribute('logah.parameters', record.prediction.parameters);
    }
    span.setAttribute('logah.sent_bytes', record.sentBytes);
    span.end(epoch(record.ended));
  }
}

function contextOf(parent: TraceContext | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags, state } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  });
}

/** Milliseconds since 1970 of a time as `performance.now` has it. */
function epoch(time: number): number {
  return performance.timeOrigin + time;
}
