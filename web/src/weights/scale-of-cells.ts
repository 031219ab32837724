/** The value of a heat map's outermost colours. */

/** Of the cells, those that may lie beyond: a few large ones would leave no colour to all others. */
const BEYOND = 0.003;

/** The magnitude that all but a few cells keep below. */
export function scaleOfCells(cells: Float32Array): number {
  const sizes = cells.map(Math.abs).sort();
  const most = sizes.at(-1) ?? 0;
  const usual = sizes[Math.floor((sizes.length - 1) * (1 - BEYOND))] ?? 0;
  return usual > 0 ? usual : most;
}
