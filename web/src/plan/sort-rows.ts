/** The rows of the plan's table: the open part of the tree, or all tensors in an order. */

import type { TensorBytes } from './tensor-bytes';
import type { TreeRow } from './module-tree';

export type SortKey = 'name' | 'shape' | 'origin' | 'elements' | 'rank' | 'dense' | 'factors' | 'core';

/** 1: ascending; -1: descending. */
export interface Order {
  readonly key: SortKey;
  readonly direction: 1 | -1;
}

/** Tensors are listed without modules where they are ordered, at most so many. */
const MOST_ROWS = 2000;

/** The rows to show. */
export function sortedRows(
  tree: readonly TreeRow[],
  opened: ReadonlySet<string>,
  order: Order | undefined,
  bytes: TensorBytes,
): readonly TreeRow[] {
  if (order === undefined) return openRows(tree, opened);
  const { key, direction } = order;
  const valueOf = valuesBy(key, bytes);
  return tensorRows(tree)
    .map((row) => ({ row, value: valueOf(row) }))
    .sort((one, other) => (one.value < other.value ? -direction : one.value > other.value ? direction : 0))
    .slice(0, MOST_ROWS)
    .map(({ row }) => row);
}

function openRows(rows: readonly TreeRow[], opened: ReadonlySet<string>): readonly TreeRow[] {
  return rows.flatMap((row) =>
    row.children.length > 0 && opened.has(row.path) ? [row, ...openRows(row.children, opened)] : [row],
  );
}

function tensorRows(rows: readonly TreeRow[]): readonly TreeRow[] {
  return rows.flatMap((row) => (row.tensor === undefined ? tensorRows(row.children) : [row]));
}

function valuesBy(key: SortKey, bytes: TensorBytes): (row: TreeRow) => string | number {
  switch (key) {
    case 'name':
      return ({ path }) => path;
    case 'shape':
      return ({ tensor }) => (tensor?.shape ?? []).map((size) => String(size).padStart(9, '0')).join('x');
    case 'origin':
      return ({ tensor }) => tensor?.origin ?? '';
    case 'elements':
      return ({ sums }) => sums.elements;
    case 'rank':
      return ({ tensor }) => tensor?.rank ?? 0;
    case 'dense':
    case 'factors':
    case 'core':
      return ({ path }) => bytes.get(path)?.[key] ?? 0;
  }
}
