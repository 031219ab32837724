import { readFileSync } from 'node:fs';

/**
 * The largest resident memory of this process so far, in bytes. Where Linux tells it, from there: the figure of
 * `resourceUsage` is at least what the parent had in memory when it started this process.
 */
export function peakMemoryBytes(): number {
  return linuxPeakMemory('self') ?? process.resourceUsage().maxRSS * 1024;
}

/** The largest resident memory of a process so far, in bytes; undefined where there is no Linux to tell it. */
export function linuxPeakMemory(process: number | 'self'): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${process}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
