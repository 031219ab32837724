/** The memory of another process, as Linux tells it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { linuxPeakMemory } from '../../src/server/peak-memory';

/** Bytes that are resident now. */
export function residentMemory(pid: number): number {
  return statusOf(pid, 'VmRSS');
}

/** Of them, those that no file holds: pages of programs and models come and go as the machine needs memory elsewhere. */
export function anonymousMemory(pid: number): number {
  return statusOf(pid, 'RssAnon');
}

function statusOf(pid: number, field: string): number {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  const line = lines.find((candidate) => candidate.startsWith(`${field}:`));
  return parseInt(line?.slice(field.length + 1) ?? '', 10) * 1024;
}

/** The most bytes that were resident since `resetPeakMemory`. */
export function peakMemory(pid: number): number {
  return linuxPeakMemory(pid) ?? NaN;
}

/** From now on, the peak is that of what follows. */
export function resetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
