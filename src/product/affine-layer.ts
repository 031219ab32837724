/** The layer that makes factors of cores, ready to be multiplied with. */

import { wasmMemory } from '../wasm';
import { multiplyIn, PANEL, QUAD, wholePanels, wholeQuads, type Multiply } from './multiplier';

/** Rows that are expanded at a time. */
const ROWS = 8;

/** x · weightᵀ + bias. An element is the bias and then the products in order, each sum rounded. */
export class AffineLayer {
  readonly #rank: number;
  readonly #multiply: Multiply;
  readonly #left: Float32Array;
  /** Bytes in the memory: of the weight's panels, and of what is made. */
  readonly #right: number;
  readonly #made: number;
  readonly #floats: Float32Array;

  /** `weight` is [columns, rank], `bias` [columns]; neither is needed afterwards. */
  constructor(weight: Float32Array, bias: Float32Array, rank: number) {
    const width = rank + 1;
    const padded = wholePanels(bias.length);
    this.#rank = rank;
    this.#right = Math.ceil((ROWS * width * 4) / 64) * 64;
    this.#made = this.#right + padded * width * 4;
    const memory = wasmMemory(this.#made + ROWS * padded * 4);
    this.#multiply = multiplyIn(memory);
    this.#floats = new Float32Array(memory.buffer);
    this.#left = this.#floats.subarray(0, ROWS * width);
    const right = this.#floats.subarray(this.#right / 4, this.#made / 4);
    for (let column = 0; column < bias.length; column++) {
      let to = Math.floor(column / PANEL) * PANEL * width + (column % PANEL);
      right[to] = bias[column] as number;
      for (let k = 0, from = column * rank; k < rank; k++, from++) {
        right[(to += PANEL)] = weight[from] as number;
      }
    }
  }

  /** Of what is made of each row of x [*, rank]: `columns` numbers from number `first` on. */
  apply(x: Float32Array, first: number, columns: number): Float32Array {
    const rows = x.length / this.#rank;
    const made = new Float32Array(rows * columns);
    const [left, width] = [0, this.#rank + 1];
    const firstPanel = Math.floor(first / PANEL) * PANEL;
    const stride = wholePanels(first + columns) - firstPanel;
    const right = this.#right + firstPanel * width * 4;
    for (let row = 0; row < rows; row += ROWS) {
      const count = Math.min(ROWS, rows - row);
      this.#load(x, row, count);
      const leftEnd = left + wholeQuads(count) * width * 4;
      this.#multiply(
        left,
        leftEnd,
        right,
        right + stride * width * 4,
        QUAD * width * 4,
        this.#made,
        stride * 4,
      );
      for (let index = 0; index < count; index++) {
        const start = this.#made / 4 + index * stride + first - firstPanel;
        made.set(this.#floats.subarray(start, start + columns), (row + index) * columns);
      }
    }
    return made;
  }

  #load(x: Float32Array, first: number, count: number): void {
    const rank = this.#rank;
    // What is computed beside the rows is not read.
    for (let row = 0; row < count; row++) {
      let to = Math.floor(row / QUAD) * QUAD * (rank + 1) + (row % QUAD);
      this.#left[to] = 1;
      for (let k = 0, from = (first + row) * rank; k < rank; k++, from++) {
        this.#left[(to += QUAD)] = x[from] as number;
      }
    }
  }
}
