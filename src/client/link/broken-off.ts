/** Which failures of a call are breaks that it can go on behind, and which are the service's answer. */

import { status } from '@grpc/grpc-js';
import type { RemoteError } from '../remote-error';

/** What a failure means: "break": try again; "doubt": a few times, for it may be an answer; "answer": never. */
export type Verdict = 'break' | 'doubt' | 'answer';

/** What a proxy or gRPC itself makes of a connection that is lost before anything has come, and of some wrong calls too. */
const DOUBTFUL: ReadonlySet<status> = new Set([status.INTERNAL, status.UNKNOWN, status.CANCELLED]);

/** Statuses that no lost connection becomes. */
const REFUSALS: ReadonlySet<status> = new Set([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

/**
 * The service names each of its own errors (`ErrorInfo`); what comes without that name is a proxy's or gRPC's. Proxies
 * make any status of a lost server: INTERNAL, UNKNOWN, CANCELLED, even RESOURCE_EXHAUSTED, where the bytes of an error page
 * are taken for the length of a message. So once a stream has begun, whatever the service does not say is a break. Not for
 * the caller's own cancellations and deadlines.
 */
export function verdictOn(error: RemoteError, begun: boolean): Verdict {
  if (error.code === status.UNAVAILABLE || error.retryAfterMs !== undefined) return 'break';
  if (error.isOfService || REFUSALS.has(error.code)) return 'answer';
  if (begun) return 'break';
  return DOUBTFUL.has(error.code) ? 'doubt' : 'answer';
}
