/** Straight lines through points. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The slope of the line of least squares. */
export function slopeOf(points: readonly Point[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const square = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / square;
}

/**
 * The standard error of a slope where neighbouring points go together: that of the line through the means of `blocks`
 * blocks of points.
 */
export function slopeError(points: readonly Point[], blocks = 10): number {
  const size = Math.floor(points.length / blocks);
  if (size === 0) return NaN;
  const means = Array.from({ length: blocks }, (_, block) => {
    const part = points.slice(block * size, (block + 1) * size);
    return {
      x: part.reduce((sum, { x }) => sum + x, 0) / size,
      y: part.reduce((sum, { y }) => sum + y, 0) / size,
    };
  });
  const slope = slopeOf(means);
  const meanX = means.reduce((sum, { x }) => sum + x, 0) / blocks;
  const meanY = means.reduce((sum, { y }) => sum + y, 0) / blocks;
  const residual = means.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const square = means.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return Math.sqrt(residual / (blocks - 2) / square);
}
