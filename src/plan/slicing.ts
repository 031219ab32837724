/** Slices: which box of every tensor is sent. */

import { invalidField, invalidFields, type FieldViolation } from '../errors';
import { quoted } from '../graph/violations';

/** A box of a tensor in its own dimensions. */
export interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** A box of one tensor by name: the leading dimensions from `start` up to `end`. */
export interface NamedSlice {
  readonly name: string;
  readonly start: readonly number[];
  readonly end: readonly number[];
}

/** What a slice cuts. */
export interface Sliceable {
  readonly name: string;
  readonly shape: readonly number[];
  /** Why nothing of it is sent; undefined: it can be. */
  readonly unsent: string | undefined;
}

/** Rank `index` of `count`. */
export interface ShardOf {
  readonly index: number;
  readonly count: number;
}

const MAX_SHARDS = 65536;

/** Chooses the box of each tensor. */
export class Slicing {
  /** Every tensor whole. */
  static readonly whole = new Slicing(new Map(), undefined);

  readonly #slices: ReadonlyMap<string, NamedSlice>;
  readonly #shard: ShardOf | undefined;

  private constructor(slices: ReadonlyMap<string, NamedSlice>, shard: ShardOf | undefined) {
    this.#slices = slices;
    this.#shard = shard;
  }

  /** Checks what a request says. Throws LogahError (invalid_argument) that names the field. */
  static of(slices: readonly NamedSlice[], shard: ShardOf | undefined): Slicing {
    if (shard !== undefined) {
      if (slices.length > 0)
        throw invalidField('shard', 'is given together with slices; only one of them is allowed');
      checkShard(shard);
    }
    const byName = new Map<string, NamedSlice>();
    for (const [index, slice] of slices.entries()) {
      const field = `slices[${index}]`;
      if (byName.has(slice.name)) throw invalidField(`${field}.name`, `${quoted(slice.name)} is repeated`);
      if (slice.start.length !== slice.end.length || slice.start.length < 1 || slice.start.length > 2) {
        throw invalidField(
          field,
          `start has ${slice.start.length} dimensions and end ${slice.end.length}; both must have 1, or both 2`,
        );
      }
      byName.set(slice.name, slice);
    }
    return new Slicing(byName, shard);
  }

  /** Checks every slice against the tensor that it names. Throws LogahError (invalid_argument) that names the slice. */
  check(tensors: Iterable<Sliceable>): void {
    if (this.#slices.size === 0) return;
    const byName = new Map<string, Sliceable>();
    for (const tensor of tensors) byName.set(tensor.name, tensor);
    const violations: FieldViolation[] = [];
    for (const [index, slice] of [...this.#slices.values()].entries()) {
      const description = misfit(slice, byName.get(slice.name));
      if (description !== undefined) violations.push({ field: `slices[${index}]`, description });
    }
    if (violations.length > 0) throw invalidFields(violations);
  }

  /** The box of a tensor that is sent; undefined where a shard has nothing of it. */
  boxOf({ name, shape }: Pick<Sliceable, 'name' | 'shape'>): Box | undefined {
    // A scalar counts as one row.
    const first = shape[0] ?? 1;
    if (this.#shard !== undefined && !shape.includes(0)) {
      const rows = Math.ceil(first / this.#shard.count);
      const start = Math.min(first, this.#shard.index * rows);
      const end = Math.min(first, start + rows);
      return start < end ? leadingBox(shape, [start], [end]) : undefined;
    }
    const slice = this.#slices.get(name);
    return slice === undefined ? leadingBox(shape, [], []) : leadingBox(shape, slice.start, slice.end);
  }
}

function leadingBox(shape: readonly number[], start: readonly number[], end: readonly number[]): Box {
  return {
    start: shape.map((_, dimension) => start[dimension] ?? 0),
    shape: shape.map((size, dimension) => (end[dimension] ?? size) - (start[dimension] ?? 0)),
  };
}

function checkShard({ index, count }: ShardOf): void {
  if (count < 1 || count > MAX_SHARDS) {
    throw invalidField('shard.count', `is ${count}; 1 to ${MAX_SHARDS} is allowed`);
  }
  if (index >= count) throw invalidField('shard.index', `is ${index}; 0 to ${count - 1} is allowed`);
}

function misfit(slice: NamedSlice, tensor: Sliceable | undefined): string | undefined {
  const name = quoted(slice.name);
  if (tensor === undefined) return `names ${name}, which the architecture does not have`;
  if (tensor.unsent !== undefined) return `names ${name}, which is ${tensor.unsent} and not sent`;
  const { shape } = tensor;
  if (slice.start.length > shape.length) {
    return `has ${slice.start.length} dimensions; ${name} has ${shape.length}`;
  }
  for (const [dimension, size] of shape.entries()) {
    const start = slice.start[dimension] ?? 0;
    const end = slice.end[dimension] ?? size;
    if (start < 0 || end > size || start >= end) {
      return `is ${start} to ${end} in dimension ${dimension}; 0 <= start < end <= ${size} is allowed`;
    }
  }
  return undefined;
}
