import type { Scratch } from '../scratch';

/** The elements of a tile while it is filled, row-major. */
export class Tile {
  readonly rows: number;
  readonly columns: number;
  readonly #scratch: Scratch;
  #values: Float32Array | undefined;

  /** Lies in `scratch`, unless a product takes its place. */
  constructor(scratch: Scratch, rows: number, columns: number) {
    this.#scratch = scratch;
    this.rows = rows;
    this.columns = columns;
  }

  get values(): Float32Array {
    this.#values ??= this.#scratch.take(this.rows * this.columns);
    return this.#values;
  }

  /** Takes the whole rows from `row` on as they are, without a copy where they are all of the tile. */
  setRows(row: number, values: Float32Array): void {
    if (this.#values === undefined && values.length === this.rows * this.columns) this.#values = values;
    else this.values.set(values, row * this.columns);
  }
}
