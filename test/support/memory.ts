/** The memory of another process, as Linux tells it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { linuxPeakMemory } from '../../src/server/peak-memory';

/** Bytes that are resident now. */
export function residentMemory(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** The most bytes that were resident since `resetPeakMemory`. */
export function peakMemory(pid: number): number {
  return linuxPeakMemory(pid) ?? NaN;
}

/** From now on, the peak is that of what follows. */
export function resetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
