/** Parts of a tensor's matrix, and the slices that hold them. */

/** Rows and columns of a matrix, from the first up to but without the last. */
export interface Region {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** A tensor as a matrix: a vector is one row, (1, t, c) is t rows, all others have their first dimension's rows. */
export function matrixOf(shape: readonly number[]): { readonly rows: number; readonly columns: number } {
  const all = shape.reduce((product, size) => product * size, 1);
  const [first = 1, second = 1] = shape;
  if (shape.length < 2) return { rows: 1, columns: all };
  const rows = shape.length === 3 && first === 1 ? second : first;
  return { rows, columns: rows === 0 ? 0 : all / rows };
}

/** The whole matrix. */
export function wholeOf(shape: readonly number[]): Region {
  const { rows, columns } = matrixOf(shape);
  return { top: 0, bottom: rows, left: 0, right: columns };
}

/**
 * The smallest region that holds this one and is a slice by the two leading dimensions, as the contract has them;
 * undefined: all of the tensor.
 */
export function slicedRegion(
  shape: readonly number[],
  wanted: Region,
): { readonly region: Region; readonly start: readonly number[]; readonly end: readonly number[] } {
  const whole = wholeOf(shape);
  const { top, bottom, left, right } = wanted;
  if (shape.length === 1) {
    return { region: { ...whole, left, right }, start: [left], end: [right] };
  }
  if (shape.length === 3 && shape[0] === 1) {
    return { region: { ...whole, top, bottom }, start: [0, top], end: [1, bottom] };
  }
  const below = shape.slice(2).reduce((product, size) => product * size, 1);
  const [first, last] = [Math.floor(left / below), Math.ceil(right / below)];
  return {
    region: { top, bottom, left: first * below, right: last * below },
    start: [top, first],
    end: [bottom, last],
  };
}

/** The region around a place, so many times as large, within the matrix. */
export function scaledRegion(
  region: Region,
  factor: number,
  shape: readonly number[],
  at = { x: 0.5, y: 0.5 },
): Region {
  const { rows, columns } = matrixOf(shape);
  const [height, width] = [region.bottom - region.top, region.right - region.left];
  const [newHeight, newWidth] = [clampSize(height * factor, rows), clampSize(width * factor, columns)];
  const top = clampStart(region.top + height * at.y - newHeight * at.y, newHeight, rows);
  const left = clampStart(region.left + width * at.x - newWidth * at.x, newWidth, columns);
  return { top, bottom: top + newHeight, left, right: left + newWidth };
}

/** The region moved by parts of its size, within the matrix. */
export function movedRegion(region: Region, dx: number, dy: number, shape: readonly number[]): Region {
  const { rows, columns } = matrixOf(shape);
  const [height, width] = [region.bottom - region.top, region.right - region.left];
  const top = clampStart(region.top + dy * height, height, rows);
  const left = clampStart(region.left + dx * width, width, columns);
  return { top, bottom: top + height, left, right: left + width };
}

function clampSize(size: number, most: number): number {
  return Math.max(1, Math.min(most, Math.round(size)));
}

function clampStart(start: number, size: number, most: number): number {
  return Math.max(0, Math.min(most - size, Math.round(start)));
}
