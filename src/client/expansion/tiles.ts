/** Tensors made here, a range of rows at a time. */

import { convert } from '../../narrowing/convert';
import { Scratch } from '../../scratch';
import { ELEMENT_BYTES, type ElementType } from '../element-type';

/** Elements of a tile, at most, unless a single row has more: it stays in the processor's cache until it is read. */
const TILE_ELEMENTS = 1 << 18;

/** Rows `row` to `row + rows` of a tensor of `columns` columns. */
export class Tile {
  readonly row: number;
  readonly rows: number;
  readonly columns: number;
  readonly #memory: TileMemory;
  #values: Float32Array | undefined;

  /** Lies in `memory`, unless a product takes its place. */
  constructor(memory: TileMemory, row: number, rows: number, columns: number) {
    this.#memory = memory;
    this.row = row;
    this.rows = rows;
    this.columns = columns;
  }

  /** Row-major. */
  get values(): Float32Array {
    this.#values ??= this.#memory.values(this.rows * this.columns);
    return this.#values;
  }

  /** Takes the whole rows from the tile's row `row` on as they are, without a copy where they are all of the tile. */
  setRows(row: number, values: Float32Array): void {
    if (this.#values === undefined && values.length === this.rows * this.columns) this.#values = values;
    else this.values.set(values, row * this.columns);
  }
}

/**
 * Memory for tiles, used again for each: fresh memory would cost more than filling it. What a tile says is valid until
 * the next one is asked for.
 */
export class TileMemory {
  readonly #values = new Scratch();
  #narrow = new Uint16Array(0);

  /** `length` elements of unspecified value. */
  values(length: number): Float32Array {
    return this.#values.take(length);
  }

  /** The elements in a type, row-major; for float32 the very memory of `values`. */
  bytesOf(values: Float32Array, type: ElementType): Buffer {
    if (type === 'F32') return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    if (this.#narrow.length < values.length) this.#narrow = new Uint16Array(values.length);
    convert(values, this.#narrow, type === 'F16' ? 'f16' : 'bf16');
    return Buffer.from(this.#narrow.buffer, 0, values.length * ELEMENT_BYTES[type]);
  }
}

/** A block of a tensor: fills its part of a tile. */
export type FillTile = (tile: Tile) => Promise<void> | void;

/** Yields the tensor's tiles in order, filled by every block; each is valid until the next. */
export async function* filledTiles(
  rows: number,
  columns: number,
  blocks: readonly FillTile[],
  memory: TileMemory,
): AsyncGenerator<Tile, void, undefined> {
  const step = Math.max(1, Math.floor(TILE_ELEMENTS / columns));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const tile = new Tile(memory, row, count, columns);
    for (const fill of blocks) await fill(tile);
    yield tile;
  }
}

/** The rows of a block that lie in a tile, counted in the tensor; undefined: none. */
export function commonRows(
  block: { readonly row: number; readonly rows: number },
  tile: Tile,
): { readonly first: number; readonly last: number } | undefined {
  const first = Math.max(tile.row, block.row);
  const last = Math.min(tile.row + tile.rows, block.row + block.rows);
  return first < last ? { first, last } : undefined;
}
