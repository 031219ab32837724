/** Numbers for people. */

const COUNT = new Intl.NumberFormat('en-US');

/** "1,234,567". */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** "1.2 M", for where there is little room. */
export function formatShort(count: number): string {
  const units = ['', ' K', ' M', ' G', ' T'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)}${units[unit] ?? ''}`;
}

/** "1.2 MB", in powers of 1000. */
export function formatBytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${formatShort(bytes)}B`.replace('KB', 'kB');
}

/** "768 × 2304"; a scalar is "scalar". */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join(' × ');
}

/** Four digits, in the form that is shortest. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** "12.3 %". */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}
