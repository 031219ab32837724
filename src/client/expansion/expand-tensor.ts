/** Expands the factors of one tensor, a range of rows at a time. */

import type { TensorPlan } from '../checked-plan';
import { blocksShape } from './core-blocks';
import type { ElementType } from '../element-type';
import type { Multiply } from './product';
import { commonRows, filledTiles, type FillTile, type TileMemory } from './tiles';

/** A block of a matrix: element (row + p, column + q) is A[p mod m] · B[q mod n]. */
export interface FactoredBlock {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  readonly rank: number;
  /** [m, rank] and [n, rank]. */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Yields the tensor's bytes, row-major, each valid until the next; `factors` holds A and B of each block, its memory aligned to 4 bytes. */
export async function* expandTensor(
  tensor: TensorPlan,
  factors: Buffer,
  type: ElementType,
  multiply: Multiply,
  memory: TileMemory,
): AsyncGenerator<Buffer, void, undefined> {
  const [rows = 1, columns = 1] = blocksShape(tensor);
  const blocks = readBlocks(tensor, factors).map((block) => factoredBlock(block, multiply));
  for await (const { values } of filledTiles(rows, columns, blocks, memory)) {
    yield memory.bytesOf(values, type);
  }
}

function readBlocks(tensor: TensorPlan, factors: Buffer): FactoredBlock[] {
  let at = factors.byteOffset;
  const take = (length: number): Float32Array => {
    const values = new Float32Array(factors.buffer, at, length);
    at += length * 4;
    return values;
  };
  return tensor.factors.map((block) => ({
    ...block,
    a: take(block.m * block.rank),
    b: take(block.n * block.rank),
  }));
}

/** Multiplies the rows of the block that a tile has. */
export function factoredBlock(block: FactoredBlock, multiply: Multiply): FillTile {
  const { rank, column, columns } = block;
  const b = repeatRows(block.b, rank, 0, columns);
  return async (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    const { first, last } = common;
    const rows = last - first;
    const a = repeatRows(block.a, rank, first - block.row, rows);
    const product = await multiply(a, b, rank);
    if (columns === tile.columns) {
      tile.setRows(first - tile.row, product);
      return;
    }
    const { values } = tile;
    for (let row = 0; row < rows; row++) {
      const source = product.subarray(row * columns, (row + 1) * columns);
      values.set(source, (first - tile.row + row) * tile.columns + column);
    }
  };
}

/** Rows `first` to `first + count` of a matrix that repeats for ever. */
export function repeatRows(matrix: Float32Array, width: number, first: number, count: number): Float32Array {
  const available = matrix.length / width;
  if (first + count <= available) return matrix.subarray(first * width, (first + count) * width);
  const repeated = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const source = ((first + row) % available) * width;
    repeated.set(matrix.subarray(source, source + width), row * width);
  }
  return repeated;
}
