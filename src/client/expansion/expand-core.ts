/** Makes one tensor from its cores, a range of rows at a time. The formulas are those of `CoreLayout` in the contract. */

import { expansionWindow, type FactorRows } from '../../expansion-window';
import { addNormals } from '../../random/noise';
import type { TensorPlan } from '../checked-plan';
import {
  blockBytes,
  blocksShape,
  coreRows,
  hasScale,
  leadingBytes,
  matrixView,
  type CoreBlock,
} from './core-blocks';
import { ELEMENT_BYTES, type ElementType } from '../element-type';
import { ruleOf } from './drawn-rule';
import { factoredBlock, repeatRows } from './expand-tensor';
import type { ExpansionLayer } from './expansion';
import type { Kernels, Multiply } from './product';
import { keyOf, ruleFill } from './rule-fill';
import { commonRows, filledTiles, type FillTile, type TileMemory } from './tiles';
import { productElement } from '../../vector-product';

/** The factors of a block; A has the block's scale in it. */
interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Elements that came as they are, in the type asked for. */
interface SentElements {
  readonly block: CoreBlock;
  readonly data: Buffer;
}

/** Yields the tensor's bytes, row-major, each valid until the next; `core` holds the data of each block. */
export async function* expandCore(
  tensor: TensorPlan,
  core: Buffer,
  type: ElementType,
  layer: ExpansionLayer,
  kernels: Kernels,
  memory: TileMemory,
): AsyncGenerator<Buffer, void, undefined> {
  const fills: FillTile[] = [];
  const sent: SentElements[] = [];
  let at = 0;
  for (const block of tensor.core) {
    const data = core.subarray(at, (at += blockBytes(block, layer.expansion, ELEMENT_BYTES[type])));
    if (block.layout === 'CORE_LAYOUT_ELEMENTS') sent.push({ block, data });
    else fills.push(await blockFill(block, data, tensor.shape, layer, kernels));
    if (block.lifted) fills.push(noiseFill(block, data));
  }
  const { rows, columns } = matrixView(blocksShape(tensor));
  for await (const tile of filledTiles(rows, columns, fills, memory)) {
    const bytes = memory.bytesOf(tile.values, type);
    const size = ELEMENT_BYTES[type];
    for (const { block, data } of sent) {
      const common = commonRows(block, tile);
      if (common === undefined) continue;
      const width = block.columns * size;
      for (let row = common.first; row < common.last; row++) {
        const target = ((row - tile.row) * columns + block.column) * size;
        data.copy(bytes, target, (row - block.row) * width, (row - block.row + 1) * width);
      }
    }
    yield bytes;
  }
}

async function blockFill(
  block: CoreBlock,
  data: Buffer,
  shape: readonly number[],
  layer: ExpansionLayer,
  kernels: Kernels,
): Promise<FillTile> {
  if (block.layout === 'CORE_LAYOUT_RULE') {
    const rule = ruleOf(block.rule, shape);
    if (rule === undefined) throw new Error('a plan that was checked has no rule that cannot be computed');
    return ruleFill(block, rule, keyOf(data));
  }
  if (block.layout === 'CORE_LAYOUT_CONSTANT') {
    const value = data.readFloatLE();
    return columnFill(block, () => value);
  }
  const factors = await factorsOf(block, data, layer, kernels);
  const { rank } = layer.expansion;
  switch (block.layout) {
    case 'CORE_LAYOUT_MATRIX':
      return factoredBlock({ ...block, ...factors, rank }, kernels.multiply);
    case 'CORE_LAYOUT_MATRIX_TRANSPOSED':
      return factoredBlock({ ...block, a: factors.b, b: factors.a, rank }, kernels.multiply);
    case 'CORE_LAYOUT_KERNEL':
      return kernelFill(block, factors, rank, kernels.multiply);
    case 'CORE_LAYOUT_POSITIONS':
      return positionsFill(block, factors, rank, kernels.multiply);
    case 'CORE_LAYOUT_NORM_WEIGHT':
    case 'CORE_LAYOUT_BIAS': {
      const squash = block.layout === 'CORE_LAYOUT_NORM_WEIGHT' ? squashNormWeight : squashBias;
      const { start, length, n } = block;
      return columnFill(block, (row) => {
        const at = start + (row % length) * n;
        return squash(
          productElement(factors.a, Math.floor(at / n) - factors.firstRow, factors.b, at % n, rank),
        );
      });
    }
    case 'CORE_LAYOUT_ELEMENTS':
    case 'CORE_LAYOUT_UNSPECIFIED':
      throw new Error(`${block.layout} has no product`);
  }
}

/** Norm weights lie in (0, 2), biases in (-1, 1). */
const squashNormWeight = (value: number): number => 2 / (1 + Math.exp(-0.5 * value));
const squashBias = (value: number): number => Math.tanh(0.2 * value);

/** The rows of A and of B that the block is made of; `firstRow` of A is the first of them. */
async function factorsOf(
  block: CoreBlock,
  data: Buffer,
  layer: ExpansionLayer,
  { affine }: Kernels,
): Promise<Factors & { readonly firstRow: number }> {
  const { rank, rows: ck } = layer.expansion;
  let at = leadingBytes(block);
  const factor = async (sent: number, rows: FactorRows): Promise<Float32Array> => {
    const bytes = coreRows(sent, layer.expansion) * rank * 4;
    // A copy is aligned, which the data need not be.
    const core = new Float32Array(Uint8Array.from(data.subarray(at, (at += bytes))).buffer);
    const {
      firstRow,
      rows: count,
      firstColumn,
      columns,
      start,
      elements,
    } = expansionWindow(rows, { ck, rank });
    const used = core.subarray(firstRow * rank, (firstRow + count) * rank);
    const expanded = await affine(layer, used, firstColumn, columns);
    return expanded.subarray(start, start + elements);
  };
  const rowsOfA = usedRows(block);
  const a = await factor(block.m, rowsOfA);
  const b = await factor(block.n, { first: 0, count: block.n });
  if (hasScale(block)) {
    const scale = data.readDoubleLE();
    for (let index = 0; index < a.length; index++) a[index] = (a[index] as number) * scale;
  }
  return { a, b, firstRow: rowsOfA.first };
}

/** A vector lies somewhere in its product. */
function usedRows({ layout, m, n, start, length }: CoreBlock): FactorRows {
  if (layout !== 'CORE_LAYOUT_NORM_WEIGHT' && layout !== 'CORE_LAYOUT_BIAS') return { first: 0, count: m };
  const first = Math.floor(start / n);
  return { first, count: Math.floor((start + (length - 1) * n) / n) - first + 1 };
}

/** Adds noise to what another fill has made of the block: its deviation and its stream's key stand behind the scale. */
function noiseFill(block: CoreBlock, data: Buffer): FillTile {
  const [deviation, stream] = [data.readDoubleLE(8), keyOf(data, 16)];
  return (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    for (let row = common.first; row < common.last; row++) {
      const at = (row - tile.row) * tile.columns + block.column;
      const values = tile.values.subarray(at, at + block.columns);
      addNormals(stream, row * tile.columns + block.column, deviation, values);
    }
  };
}

/** The same value in every column of a row, by the row's index in the block. */
function columnFill(block: CoreBlock, valueOf: (row: number) => number): FillTile {
  return (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    for (let row = common.first; row < common.last; row++) {
      const start = (row - tile.row) * tile.columns + block.column;
      tile.values.fill(valueOf(row - block.row), start, start + block.columns);
    }
  };
}

function kernelFill(block: CoreBlock, { a, b }: Factors, rank: number, multiply: Multiply): FillTile {
  const { m, n, height: h, width: w } = block;
  const inputs = n / w;
  const channels = block.columns / (h * w);
  return async (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    const count = common.last - common.first;
    const first = ((common.first - block.row) * h) % m;
    const product = await multiply(repeatRows(a, rank, first, count * h), b, rank);
    for (let row = 0; row < count; row++) {
      let target = (common.first - tile.row + row) * tile.columns + block.column;
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < h; y++) {
          const source = (row * h + y) * n + (channel % inputs) * w;
          tile.values.set(product.subarray(source, source + w), target);
          target += w;
        }
      }
    }
  };
}

function positionsFill(block: CoreBlock, { a, b }: Factors, rank: number, multiply: Multiply): FillTile {
  const { m: side, n, columns } = block;
  const channels = n / side;
  return async (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    const firstToken = common.first - block.row;
    const lastToken = common.last - block.row;
    // Rows of the square that the tokens lie in, the square repeated for ever.
    const first = Math.floor(firstToken / side);
    const count = Math.floor((lastToken - 1) / side) - first + 1;
    const product = await multiply(repeatRows(a, rank, first, count), b, rank);
    for (let token = firstToken; token < lastToken; token++) {
      const source = (Math.floor(token / side) - first) * n + (token % side);
      const target = (block.row + token - tile.row) * tile.columns + block.column;
      for (let channel = 0; channel < columns; channel++) {
        tile.values[target + channel] = product[source + (channel % channels) * side] as number;
      }
    }
  };
}
