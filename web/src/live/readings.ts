/** What a server was doing, reading by reading, and how much that is a second. */

import type { GetActivityResponse } from '../../../src/gen/es/logah/v1/logah_pb';

/** Readings that are kept: two minutes of them. */
export const MOST_READINGS = 60;

/** What happened between two readings. */
export interface Rates {
  /** Seconds since the server started, at the later one. */
  readonly at: number;
  readonly bytes: number;
  readonly elements: number;
  readonly calls: number;
  readonly refused: number;
  readonly openStreams: number;
  readonly waitingJobs: number;
}

/** The readings with another; of a server that started anew, only that one. */
export function withReading(
  readings: readonly GetActivityResponse[],
  next: GetActivityResponse,
): readonly GetActivityResponse[] {
  const last = readings.at(-1);
  if (last !== undefined && next.uptimeSeconds < last.uptimeSeconds) return [next];
  return [...readings.slice(1 - MOST_READINGS), next];
}

/** How much it was a second between each reading and the one before. */
export function ratesOf(readings: readonly GetActivityResponse[]): readonly Rates[] {
  return readings.slice(1).map((later, index) => {
    const before = readings[index] ?? later;
    const seconds = later.uptimeSeconds - before.uptimeSeconds;
    const rate = (figure: (of: GetActivityResponse) => bigint): number =>
      seconds > 0 ? Number(figure(later) - figure(before)) / seconds : 0;
    return {
      at: later.uptimeSeconds,
      bytes: rate(({ sentBytes }) => sentBytes),
      elements: rate(({ sentElements }) => sentElements),
      calls: rate(({ startedCalls }) => startedCalls),
      refused: rate(({ refusedCalls }) => refusedCalls),
      openStreams: heldOf(later, 'streams')?.used ?? 0,
      waitingJobs: later.waitingJobs,
    };
  });
}

/** What is held of something, and its limit. */
export function heldOf(
  { held }: GetActivityResponse,
  name: string,
): { readonly used: number; readonly limit: number } | undefined {
  const found = held.find((other) => other.name === name);
  return found && { used: Number(found.used), limit: Number(found.limit) };
}
