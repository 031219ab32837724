/** Numbers for people: decimal units, English grouping. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** 346_270_112 -> "346.3 MB" (1 MB = 10^6 bytes). */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 would be shown as 1000.0.
  while (value >= 999.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** Bytes in a number of seconds, as MB/s with one digit; "-" where no time has passed. */
export function formatRate(bytes: number, seconds: number): string {
  return seconds > 0 ? `${(bytes / seconds / 1e6).toFixed(1)} MB/s` : '-';
}

/** 86567656 -> "86,567,656". */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** 3.214 -> "3.21 s", 75 -> "1 min 15 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) {
    return `${seconds.toFixed(2)} s`;
  }
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** (3, 16, 16) for a shape. */
export function formatShape(shape: readonly number[]): string {
  return `(${shape.join(', ')})`;
}

/** "1 tensor", "2 tensors". */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
