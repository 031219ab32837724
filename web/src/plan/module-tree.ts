/** The tensors of a plan by module, with the sums of each. */

import type { TensorEntry } from '../state/network';

/** Sums over tensors, in elements and bytes. */
export interface Sums {
  readonly elements: number;
  readonly predicted: number;
  readonly tiled: number;
  readonly initialized: number;
  readonly tied: number;
  readonly kept: number;
}

/** A module, or a tensor. */
export interface TreeRow {
  readonly path: string;
  readonly label: string;
  readonly depth: number;
  readonly tensor: TensorEntry | undefined;
  readonly children: readonly TreeRow[];
  /** Of all tensors below. */
  readonly tensors: readonly TensorEntry[];
  readonly sums: Sums;
}

/** The tree of all tensors; its root is no row. */
export function moduleTree(tensors: readonly TensorEntry[]): readonly TreeRow[] {
  return rowsOf(
    tensors.map((tensor) => ({ tensor, rest: tensor.name.split('.') })),
    '',
    0,
  );
}

/** The sums of some tensors. */
export function sumsOf(tensors: readonly TensorEntry[]): Sums {
  const sums = { elements: 0, predicted: 0, tiled: 0, initialized: 0, tied: 0, kept: 0 };
  for (const { elements, predicted, tiled, initialized, origin } of tensors) {
    sums.elements += elements;
    if (origin === 'tied') sums.tied += elements;
    else if (origin === 'kept') sums.kept += elements;
    else {
      sums.predicted += predicted;
      sums.tiled += tiled;
      sums.initialized += initialized;
    }
  }
  return sums;
}

interface Pending {
  readonly tensor: TensorEntry;
  readonly rest: readonly string[];
}

function rowsOf(pending: readonly Pending[], path: string, depth: number): readonly TreeRow[] {
  const groups = new Map<string, Pending[]>();
  for (const { tensor, rest } of pending) {
    const [first = ''] = rest;
    const group = groups.get(first);
    if (group === undefined) groups.set(first, [{ tensor, rest: rest.slice(1) }]);
    else group.push({ tensor, rest: rest.slice(1) });
  }
  return [...groups].flatMap(([label, group]) => rowOf(label, group, path, depth));
}

function rowOf(label: string, group: readonly Pending[], path: string, depth: number): TreeRow[] {
  const below = path === '' ? label : `${path}.${label}`;
  const leaves = group.filter(({ rest }) => rest.length === 0);
  const inner = group.filter(({ rest }) => rest.length > 0);
  const rows: TreeRow[] = leaves.map(({ tensor }) => ({
    path: tensor.name,
    label,
    depth,
    tensor,
    children: [],
    tensors: [tensor],
    sums: sumsOf([tensor]),
  }));
  if (inner.length === 0) return rows;
  const tensors = inner.map(({ tensor }) => tensor);
  const children = rowsOf(inner, below, depth + 1);
  const [only] = children;
  // A module of one tensor is shown as that.
  if (children.length === 1 && only?.tensor !== undefined) {
    return [...rows, { ...only, label: `${label}.${only.label}`, depth }];
  }
  rows.push({ path: below, label, depth, tensor: undefined, children, tensors, sums: sumsOf(tensors) });
  return rows;
}
