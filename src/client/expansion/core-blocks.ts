/** The blocks of a tensor sent as cores: what their data holds, and the checks on what a plan says of them. */

import type { CoreBlock__Output } from '../../gen/logah/v1/CoreBlock';
import type { Expansion__Output } from '../../gen/logah/v1/Expansion';
import type { TensorPlan__Output } from '../../gen/logah/v1/TensorPlan';
import { ruleOf } from './drawn-rule';

/** A block of a tensor sent as cores. */
export type CoreBlock = Readonly<CoreBlock__Output>;

/** What an expansion's layer is called and how large it is. */
export type Expansion = Readonly<Expansion__Output>;

const SCALE_BYTES = 8;
const VALUE_BYTES = 4;
const KEY_BYTES = 8;
const DEVIATION_BYTES = 8;

/** Largest expansion that a client takes, and its largest number of rows or columns. */
const MAX_EXPANSION_BYTES = 2 ** 30;

/** The shape as which the blocks see a tensor. */
export function blocksShape({ shape, view }: Pick<TensorPlan__Output, 'shape' | 'view'>): readonly number[] {
  return view.length > 0 ? view : shape;
}

/** Rows and columns of a shape as the blocks see it. */
export function matrixView(shape: readonly number[]): { readonly rows: number; readonly columns: number } {
  const leading = shape.length === 3 && shape[0] === 1 ? 2 : 1;
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  return { rows: count(shape.slice(0, leading)), columns: count(shape.slice(leading)) };
}

/** Bytes of an expansion's file. */
export function expansionBytes({ rows, rank }: Expansion): number {
  return rows * (rank + 1) * 4;
}

/** Core rows that the first `rows` rows of a factor are made of. */
export function coreRows(rows: number, expansion: Expansion): number {
  return Math.ceil((rows * expansion.rank) / expansion.rows);
}

/** Whether the block has a scale in front of its core rows. */
export function hasScale({ layout }: CoreBlock): boolean {
  return (
    layout === 'CORE_LAYOUT_MATRIX' ||
    layout === 'CORE_LAYOUT_MATRIX_TRANSPOSED' ||
    layout === 'CORE_LAYOUT_KERNEL' ||
    layout === 'CORE_LAYOUT_POSITIONS'
  );
}

/** Bytes before a block's core rows: the scale, the deviation of the noise, and the key of its stream. */
export function leadingBytes(block: CoreBlock): number {
  return (hasScale(block) ? SCALE_BYTES : 0) + (block.lifted ? DEVIATION_BYTES + KEY_BYTES : 0);
}

/** Bytes of a block's data. */
export function blockBytes(block: CoreBlock, expansion: Expansion, elementBytes: number): number {
  if (block.layout === 'CORE_LAYOUT_ELEMENTS') return block.rows * block.columns * elementBytes;
  if (block.layout === 'CORE_LAYOUT_CONSTANT') return VALUE_BYTES;
  if (block.layout === 'CORE_LAYOUT_RULE') return KEY_BYTES;
  const rows = coreRows(block.m, expansion) + coreRows(block.n, expansion);
  return rows * expansion.rank * 4 + leadingBytes(block);
}

/** What is wrong with the expansion that a plan names; undefined: nothing. */
export function expansionFault(expansion: Expansion): string | undefined {
  const { sha256, rows, rank } = expansion;
  if (
    /^[0-9a-f]{64}$/.test(sha256) &&
    rows >= 1 &&
    rank >= 1 &&
    expansionBytes(expansion) <= MAX_EXPANSION_BYTES
  ) {
    return undefined;
  }
  return `${JSON.stringify(sha256)} of ${rows} x ${rank}`;
}

/** Whether the blocks cover a tensor, one below the other or side by side, and can be computed. */
export function coverTensor(
  tensor: Pick<TensorPlan__Output, 'core' | 'shape' | 'view'>,
  expansion: Expansion,
): boolean {
  const { rows, columns } = matrixView(blocksShape(tensor));
  let [down, across] = [0, 0];
  for (const block of tensor.core) {
    const below = block.row === down && block.column === 0 && block.columns === columns;
    const beside = block.column === across && block.row === 0 && block.rows === rows;
    if (
      !(below || beside) ||
      block.rows < 1 ||
      block.columns < 1 ||
      !isComputable(block, tensor.shape, expansion)
    )
      return false;
    down = block.row + block.rows;
    across = block.column + block.columns;
  }
  return down === rows && across === columns;
}

function isComputable(block: CoreBlock, shape: readonly number[], expansion: Expansion): boolean {
  const { layout, m, n, height, width, start, length, columns } = block;
  if (block.lifted && !hasScale(block)) return false;
  if (layout === 'CORE_LAYOUT_RULE') return ruleOf(block.rule, shape) !== undefined;
  if (layout === 'CORE_LAYOUT_ELEMENTS' || layout === 'CORE_LAYOUT_CONSTANT') return true;
  if (m < 1 || n < 1 || m > expansion.rows || n > expansion.rows) return false;
  switch (layout) {
    case 'CORE_LAYOUT_MATRIX':
    case 'CORE_LAYOUT_MATRIX_TRANSPOSED':
      return true;
    case 'CORE_LAYOUT_KERNEL':
      return (
        height >= 1 && width >= 1 && m % height === 0 && n % width === 0 && columns % (height * width) === 0
      );
    case 'CORE_LAYOUT_POSITIONS':
      return n % m === 0;
    case 'CORE_LAYOUT_NORM_WEIGHT':
    case 'CORE_LAYOUT_BIAS':
      return columns === 1 && start >= 0 && length >= 1 && start + (length - 1) * n < m * n;
    case 'CORE_LAYOUT_UNSPECIFIED':
    default: // A newer server may know more.
      return false;
  }
}
