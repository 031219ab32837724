/** W3C Trace Context: what a caller's `traceparent` says of the trace that its call belongs to. */

/** A caller's span. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly flags: number;
  /** `tracestate`, as it came. */
  readonly state: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_STATE = 512;

/** Reads the headers; undefined where they name no trace. Source: https://www.w3.org/TR/trace-context/ */
export function traceContextOf(parent: unknown, state: unknown): TraceContext | undefined {
  if (typeof parent !== 'string') return undefined;
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(parent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const kept = typeof state === 'string' && state.length <= MAX_STATE ? state : undefined;
  return { traceId, spanId, flags: parseInt(flags, 16), state: kept };
}
