/** How a weight is seen after operators that move its elements: which of its dimensions each dimension is made of. */

/** One dimension of a view. */
export interface ViewAxis {
  readonly size: number;
  /** Dimensions of the weight; none where one of size 1 was put in, the same in several where one was cut up. */
  readonly of: readonly number[];
}

/** Undefined: not known any more. */
export type View = readonly ViewAxis[] | undefined;

/** The weight as it is stored. */
export function wholeView(shape: readonly number[]): View {
  return shape.map((size, axis) => ({ size, of: [axis] }));
}

/** Dimensions in another order; reversed where none is given. */
export function permuted(view: View, order: readonly number[]): View {
  if (view === undefined) return undefined;
  if (order.length === 0) return [...view].reverse();
  const moved = order.map((axis) => view[axis]);
  return order.length === view.length && moved.every((axis) => axis !== undefined) ? moved : undefined;
}

/** With the last two dimensions exchanged. */
export function lastTwoExchanged(view: View): View {
  if (view === undefined || view.length < 2) return view;
  const [last, beforeLast] = [view.at(-1), view.at(-2)];
  return [...view.slice(0, -2), last, beforeLast] as View;
}

/** With dimensions of 1 put in, at positions of the result. */
export function unsqueezed(view: View, axes: readonly number[] | undefined): View {
  if (view === undefined || axes === undefined) return undefined;
  const rank = view.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) =>
    added.has(axis) ? { size: 1, of: [] } : (view[next++] ?? { size: 1, of: [] }),
  );
}

/** Without dimensions of 1: those at `axes`, or all. */
export function squeezed(view: View, axes: readonly number[] | undefined): View {
  if (view === undefined) return undefined;
  const gone = axes && new Set(axes.map((axis) => (axis < 0 ? axis + view.length : axis)));
  return view.filter(({ size }, axis) => size !== 1 || (gone !== undefined && !gone.has(axis)));
}

/** In another shape, with 0 and -1 as `Reshape` has them. */
export function reshaped(view: View, shape: readonly number[] | undefined): View {
  if (view === undefined || shape === undefined) return undefined;
  const elements = view.reduce((product, { size }) => product * size, 1);
  const copied = shape.map((size, axis) => (size === 0 ? (view[axis]?.size ?? 0) : size));
  const known = copied.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const sizes = copied.map((size) => (size === -1 ? elements / known : size));
  if (sizes.reduce((product, size) => product * size, 1) !== elements) return undefined;
  return grouped(view, sizes);
}

/** Matches runs of old and new dimensions that have as many elements. */
function grouped(view: readonly ViewAxis[], sizes: readonly number[]): View {
  const result: ViewAxis[] = [];
  let from = 0;
  let to = 0;
  while (from < view.length || to < sizes.length) {
    let [old, fresh] = [view[from]?.size ?? 1, sizes[to] ?? 1];
    const [firstOld, firstNew] = [from++, to++];
    while (old !== fresh) {
      if (old < fresh && from < view.length) old *= view[from++]?.size ?? 1;
      else if (to < sizes.length) fresh *= sizes[to++] ?? 1;
      else return undefined;
    }
    const run = view.slice(firstOld, from).filter(({ size }) => size > 1);
    const of = [...new Set(run.flatMap((axis) => axis.of))];
    for (const size of sizes.slice(firstNew, to)) result.push({ size, of: size === 1 ? [] : of });
  }
  return result;
}
