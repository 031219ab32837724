/** Which groups are shown as boxes, given those that are open. */

import type { ArchitectureGraph } from '../../../src/gen/es/logah/v1/architecture_pb';
import type { Group } from './hierarchy';

/** Boxes that are laid out at a time, at most. */
export const MOST_BOXES = 100;

/** Boxes that the page opens by itself, at most. */
const FIRST_BOXES = 30;

/** A group as a box. */
export interface Box {
  readonly group: Group;
  /** Path of the open group that it lies in; empty: the root. */
  readonly parent: string;
}

/** An open group, as a frame around its boxes. */
export interface Frame {
  readonly group: Group;
  readonly parent: string;
}

/** Data that flows from one box to another. */
export interface Link {
  readonly from: string;
  readonly to: string;
  /** Edges of the graph that it stands for. */
  readonly count: number;
}

/** What is shown. */
export interface Cut {
  readonly boxes: readonly Box[];
  readonly frames: readonly Frame[];
  readonly links: readonly Link[];
}

/** The cut with these groups open. */
export function cutOf(root: Group, open: ReadonlySet<string>, graph: ArchitectureGraph): Cut {
  const boxes: Box[] = [];
  const frames: Frame[] = [];
  const visit = (group: Group, parent: string): void => {
    for (const child of group.children.length > 0 ? group.children : [group]) {
      if (child.children.length > 0 && open.has(child.path)) {
        frames.push({ group: child, parent });
        visit(child, child.path);
      } else boxes.push({ group: child, parent });
    }
  };
  visit(root, '');
  return { boxes, frames, links: linksOf(boxes, graph) };
}

/** The groups that the page opens by itself: from the outermost on, as long as few boxes come of it. */
export function firstOpen(root: Group): readonly string[] {
  const open: string[] = [];
  let boxes = root.children.length;
  let level = root.children;
  while (level.length > 0) {
    const next: Group[] = [];
    for (const group of level) {
      const more = group.children.length - 1;
      const isClosed = group.children.length === 0 || group.kind === 'stack';
      if (isClosed || boxes + more > FIRST_BOXES) continue;
      boxes += more;
      open.push(group.path);
      next.push(...group.children);
    }
    level = next;
  }
  return open;
}

/** The open groups with another one; those that were opened first are closed where there would be too many boxes. */
export function withOpened(
  root: Group,
  open: readonly string[],
  path: string,
  graph: ArchitectureGraph,
): readonly string[] {
  let result = [...open.filter((other) => other !== path), path];
  const isNeeded = (other: string): boolean => other === path || isWithin(root, other, path);
  while (cutOf(root, new Set(result), graph).boxes.length > MOST_BOXES) {
    const first = result.find((other) => !isNeeded(other));
    if (first === undefined) break;
    result = result.filter((other) => other !== first);
  }
  return result;
}

/** The groups from the root's child to the one that holds a node as its own box. */
export function pathTo(root: Group, node: number): readonly Group[] {
  const found = root.children.find(({ nodes }) => nodes.includes(node));
  return found === undefined ? [] : [found, ...pathTo(found, node)];
}

/** Whether the group at `outer` holds the one at `inner`. */
function isWithin(root: Group, outer: string, inner: string): boolean {
  const holds = (group: Group, path: string): boolean =>
    group.path === path || group.children.some((child) => holds(child, path));
  const find = (group: Group): Group | undefined =>
    group.path === outer ? group : group.children.map(find).find((found) => found !== undefined);
  const group = find(root);
  return group !== undefined && holds(group, inner);
}

function linksOf(boxes: readonly Box[], graph: ArchitectureGraph): Link[] {
  const boxOf = new Array<string | undefined>(graph.nodes.length);
  for (const { group } of boxes) for (const node of group.nodes) boxOf[node] = group.path;
  const counts = new Map<string, Link>();
  for (const { source, target } of graph.edges) {
    const [from, to] = [boxOf[source], boxOf[target]];
    if (from === undefined || to === undefined || from === to) continue;
    const key = `${from}\n${to}`;
    counts.set(key, { from, to, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
