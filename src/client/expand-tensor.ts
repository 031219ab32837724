/** Expands the factors of one tensor, a range of rows at a time. */

import { convert } from '../element-type';
import type { FactorBlock__Output } from '../gen/logah/v1/FactorBlock';
import type { TensorPlan } from './checked-plan';
import { ELEMENT_BYTES, type ElementType } from './element-type';
import type { Multiply } from './product';

/** Elements of a tile, at most, unless a single row has more. */
const TILE_ELEMENTS = 1 << 20;

interface Block extends FactorBlock__Output {
  readonly a: Float32Array;
  /** B with a row for each column of the block. */
  readonly b: Float32Array;
}

/** Yields the tensor's bytes, row-major; `factors` holds A and B of each block, its memory aligned to 4 bytes. */
export async function* expandTensor(
  tensor: TensorPlan,
  factors: Buffer,
  type: ElementType,
  multiply: Multiply,
): AsyncGenerator<Buffer, void, undefined> {
  const [rows = 1, columns = 1] = tensor.shape;
  const blocks = readBlocks(tensor, factors);
  const step = Math.max(1, Math.floor(TILE_ELEMENTS / columns));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const tile = new Float32Array(count * columns);
    for (const block of blocks) await expandBlock(block, row, count, columns, tile, multiply);
    yield bytesOf(tile, type);
  }
}

function readBlocks(tensor: TensorPlan, factors: Buffer): Block[] {
  let at = factors.byteOffset;
  const take = (length: number): Float32Array => {
    const values = new Float32Array(factors.buffer, at, length);
    at += length * 4;
    return values;
  };
  return tensor.factors.map((block) => {
    const a = take(block.m * block.rank);
    const b = take(block.n * block.rank);
    return { ...block, a, b: block.columns === block.n ? b : repeatRows(b, block.rank, 0, block.columns) };
  });
}

async function expandBlock(
  block: Block,
  firstRow: number,
  count: number,
  columns: number,
  tile: Float32Array,
  multiply: Multiply,
): Promise<void> {
  const first = Math.max(firstRow, block.row);
  const last = Math.min(firstRow + count, block.row + block.rows);
  if (first >= last) return;
  const rows = last - first;
  // A product of a single row takes another kernel, whose last bits differ: it is computed twice.
  const a = repeatRows(block.a, block.rank, first - block.row, rows, rows === 1 ? 2 : 1);
  const wide = block.columns === columns && rows > 1;
  const target = wide
    ? tile.subarray((first - firstRow) * columns, (last - firstRow) * columns)
    : new Float32Array((a.length / block.rank) * block.columns);
  await multiply(a, block.b, block.rank, target);
  if (wide) return;
  for (let row = 0; row < rows; row++) {
    const source = target.subarray(row * block.columns, (row + 1) * block.columns);
    tile.set(source, (first - firstRow + row) * columns + block.column);
  }
}

/** Rows `first` to `first + count` of a matrix that repeats for ever, the whole range `times` times. */
function repeatRows(
  matrix: Float32Array,
  width: number,
  first: number,
  count: number,
  times = 1,
): Float32Array {
  const available = matrix.length / width;
  if (times === 1 && first + count <= available)
    return matrix.subarray(first * width, (first + count) * width);
  const repeated = new Float32Array(count * times * width);
  for (let row = 0; row < count * times; row++) {
    const source = ((first + (row % count)) % available) * width;
    repeated.set(matrix.subarray(source, source + width), row * width);
  }
  return repeated;
}

function bytesOf(values: Float32Array, type: ElementType): Buffer {
  if (type === 'F32') return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const narrow = new Uint16Array(values.length);
  convert(values, narrow, type === 'F16' ? 'f16' : 'bf16');
  return Buffer.from(narrow.buffer, 0, values.length * ELEMENT_BYTES[type]);
}
