import { readFileSync } from 'node:fs';

/**
 * The largest resident memory of this process so far, in bytes. Where Linux tells it, from there: the figure of
 * `resourceUsage` is at least what the parent had in memory when it started this process.
 */
export function peakMemoryBytes(): number {
  const kibibytes = linuxPeak() ?? process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}

function linuxPeak(): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes);
  } catch {
    return undefined;
  }
}
