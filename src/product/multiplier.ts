/**
 * A · Bᵀ for factors of few columns, with SIMD in WebAssembly. An element is the sum of its products in order, each rounded:
 * it has the same bits on every processor, and in a product of whatever rows and columns.
 *
 * Fused and wider multiplication gives ONNX Runtime more arithmetic a second; it copies every product into fresh memory,
 * though, which up to LARGEST_RANK costs more, and here a product is made where it is read next.
 */

import { instantiate, type WasmMemory } from '../wasm';
import { PRODUCT_WASM } from './product-wasm';

/** Columns of the factors, at most, for which this is faster than ONNX Runtime. */
export const LARGEST_RANK = 64;

/** Columns of the product that are computed at a time, and rows. */
export const PANEL = 8;
export const QUAD = 4;

/** Rows of the product, by those of a factor that they are made of: row k is of row `at(k)` of `values`, times `scale`. */
export interface Rows {
  /** [*, rank], row-major. */
  readonly values: Float32Array;
  readonly at: (row: number) => number;
  readonly scale: number;
}

/** The other factor, whose rows make the product's columns, times `scale`. */
export interface Columns {
  /** [columns, rank], row-major. Must not change as long as products are made with it. */
  readonly values: Float32Array;
  readonly scale: number;
}

/** Where the factors lie in the memory while they are multiplied. */
export interface Places {
  readonly left: number;
  readonly leftBytes: number;
  readonly right: number;
  readonly rightBytes: number;
}

/**
 * Multiplies quads of rows, from byte `left` to `leftEnd`, with panels of columns. `quad`: bytes of a quad; `stride`: from row to
 * row of the product, which begins at byte `to`.
 */
export type Multiply = (
  left: number,
  leftEnd: number,
  right: number,
  rightEnd: number,
  quad: number,
  to: number,
  stride: number,
) => void;

/** What multiplies in a memory. */
export function multiplyIn(memory: WasmMemory): Multiply {
  return (instantiate(PRODUCT_WASM, { memory: { memory } }) as { multiply: Multiply }).multiply;
}

/** Columns with those that are computed beside them. */
export function wholePanels(columns: number): number {
  return Math.ceil(columns / PANEL) * PANEL;
}

/** Rows with those that are computed beside them. */
export function wholeQuads(rows: number): number {
  return Math.ceil(rows / QUAD) * QUAD;
}

export class Multiplier {
  readonly #multiply: Multiply;
  readonly #places: Places;
  readonly #left: Float32Array;
  readonly #right: Float32Array;
  readonly #floats: Float32Array;
  #loaded:
    (Columns & { readonly first: number; readonly columns: number; readonly rank: number }) | undefined;

  constructor(memory: WasmMemory, places: Places) {
    const { left, leftBytes, right, rightBytes } = places;
    this.#multiply = multiplyIn(memory);
    this.#places = places;
    this.#left = new Float32Array(memory.buffer, left, leftBytes / 4);
    this.#right = new Float32Array(memory.buffer, right, rightBytes / 4);
    this.#floats = new Float32Array(memory.buffer);
  }

  /** Puts the rows `first` to `first + columns` of the factor in place for the products that follow; what is in place stays. */
  load({ values, scale }: Columns, rank: number, first: number, columns: number): void {
    const last = this.#loaded;
    if (
      last?.values === values &&
      last.scale === scale &&
      last.rank === rank &&
      last.first === first &&
      last.columns === columns
    ) {
      return;
    }
    this.#loaded = { values, scale, rank, first, columns };
    const right = this.#right;
    const padded = wholePanels(columns);
    for (let column = 0; column < padded; column++) {
      let to = Math.floor(column / PANEL) * PANEL * rank + (column % PANEL);
      let from = (first + column) * rank;
      const isPadding = column >= columns;
      for (let k = 0; k < rank; k++, from++, to += PANEL) {
        right[to] = isPadding ? 0 : (values[from] as number) * scale;
      }
    }
  }

  /**
   * Multiplies rows `first` to `first + count` with what was loaded, into byte `to` of the memory: [count, columns] without
   * gaps. There must be room for whole quads of rows of whole panels.
   */
  rows(rows: Rows, first: number, count: number, to: number): void {
    const loaded = this.#loaded;
    if (loaded === undefined) throw new Error('no columns were loaded');
    const { rank, columns } = loaded;
    this.#loadLeft(rows, rank, first, count);
    const stride = wholePanels(columns);
    const { left, right } = this.#places;
    const row = rank * 4;
    const leftEnd = left + wholeQuads(count) * row;
    this.#multiply(left, leftEnd, right, right + stride * row, QUAD * row, to, stride * 4);
    if (stride === columns) return;
    const start = to / 4;
    for (let row = 1; row < count; row++) {
      const from = start + row * stride;
      this.#floats.copyWithin(start + row * columns, from, from + columns);
    }
  }

  /** Puts rows in place. */
  #loadLeft({ values, at, scale }: Rows, rank: number, first: number, count: number): void {
    const left = this.#left;
    const padded = wholeQuads(count);
    for (let row = 0; row < padded; row++) {
      let to = Math.floor(row / QUAD) * QUAD * rank + (row % QUAD);
      const isPadding = row >= count;
      let from = isPadding ? 0 : at(first + row) * rank;
      for (let k = 0; k < rank; k++, from++, to += QUAD) {
        left[to] = isPadding ? 0 : (values[from] as number) * scale;
      }
    }
  }
}
