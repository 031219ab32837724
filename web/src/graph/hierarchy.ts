/**
 * The groups of a graph: modules by the names of nodes, runs of equal blocks, and where names say nothing, stretches of
 * nodes that follow one another. What is shown at a time is a cut through this tree.
 */

import type { ArchitectureGraph } from '../../../src/gen/es/logah/v1/architecture_pb';

/** Something that the graph shows as one box, or as a frame around its parts. */
export interface Group {
  /** Unique; what an address names. */
  readonly path: string;
  readonly label: string;
  /** "module": can be opened; "stack": equal blocks in a row; "layer": a module of a weight and what belongs to it. */
  readonly kind: 'module' | 'stack' | 'stretch' | 'layer';
  readonly children: readonly Group[];
  /** Indices of all nodes in it, in order. */
  readonly nodes: readonly number[];
}

/** Parts of a group that are shown beside each other; of more, stretches are made. */
const MOST_CHILDREN = 48;

/** Nodes that a layer is made of, such as a weight and a bias. */
const MOST_IN_LAYER = 4;
const LAYER_PARTS = /^(?:weight|bias|gamma|beta|scale|.*_weight|.*_bias)$/;

interface Draft {
  readonly path: string;
  readonly label: string;
  readonly children: Map<string, Draft>;
  readonly own: number[];
}

/** The root of a graph's groups. */
export function hierarchyOf(graph: ArchitectureGraph): Group {
  const root: Draft = { path: '', label: graph.name, children: new Map(), own: [] };
  const names = segmentsOf(graph.nodes.map(({ name }) => name));
  for (const [index, segments] of names.entries()) {
    let at = root;
    for (const segment of segments) {
      let next = at.children.get(segment);
      if (next === undefined) {
        const path = at.path === '' ? segment : `${at.path}.${segment}`;
        next = { path, label: segment, children: new Map(), own: [] };
        at.children.set(segment, next);
      }
      at = next;
    }
    at.own.push(index);
  }
  const signatures = new Signatures(graph);
  return { ...grouped(root, signatures), kind: 'module' };
}

/** Names cut at their dots and slashes; of those that begin with a slash, a first part that no other name has is left out. */
function segmentsOf(names: readonly string[]): readonly (readonly string[])[] {
  const cut = names.map((name) => name.split(/[./]+/).filter((segment) => segment !== ''));
  const roots = new Set(
    cut.filter((_, index) => names[index]?.startsWith('/') !== true).map(([first]) => first),
  );
  return cut.map((segments, index) => {
    const [first, second] = segments;
    const isWrapped =
      names[index]?.startsWith('/') === true &&
      first !== undefined &&
      !roots.has(first) &&
      second !== undefined &&
      roots.has(second);
    return isWrapped ? segments.slice(1) : segments;
  });
}

function grouped(draft: Draft, signatures: Signatures): Group {
  const { path, label, own } = draft;
  const modules = [...draft.children.values()].map((child) => grouped(child, signatures));
  // A node that is named as a module is.
  const leaf =
    own.length === 0 ? [] : [{ path: `${path}~`, label, kind: 'layer', children: [], nodes: own } as const];
  if (modules.length === 0) return { path, label, kind: 'layer', children: [], nodes: own };
  const children = [...leaf, ...modules].sort((a, b) => firstOf(a) - firstOf(b));
  const nodes = children.flatMap((child) => child.nodes).sort((a, b) => a - b);
  const isLayer =
    nodes.length <= MOST_IN_LAYER &&
    children.every((child) => child.kind === 'layer' && LAYER_PARTS.test(child.label));
  if (isLayer) return { path, label, kind: 'layer', children: [], nodes };
  const [only] = children;
  // A module of one module is shown as that.
  if (children.length === 1 && only !== undefined && only.kind !== 'layer') {
    return { ...only, label: `${label}.${only.label}` };
  }
  const parts = stacked(path, label, children, signatures);
  const [stack] = parts;
  if (parts.length === 1 && stack?.kind === 'stack') return stack;
  return { path, label, kind: 'module', children: stretched(path, parts), nodes };
}

/** Numbered children that are alike and follow one another become a stack. */
function stacked(
  path: string,
  label: string,
  children: readonly Group[],
  signatures: Signatures,
): readonly Group[] {
  const result: Group[] = [];
  let run: Group[] = [];
  const close = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    if (run.length < 3 || first === undefined || last === undefined) result.push(...run);
    else {
      result.push({
        path: `${path}[${first.label}-${last.label}]`,
        label: `${label} × ${run.length}`,
        kind: 'stack',
        children: stretched(`${path}[${first.label}-${last.label}]`, run),
        nodes: run.flatMap(({ nodes }) => nodes),
      });
    }
    run = [];
  };
  for (const child of children) {
    const [first] = run;
    const isNumbered = /^\d+$/.test(child.label.split('.')[0] ?? '') && child.nodes.length > 1;
    if (!isNumbered || (first && signatures.of(first.nodes) !== signatures.of(child.nodes))) close();
    if (isNumbered) run.push(child);
    else result.push(child);
  }
  close();
  return result;
}

/** As many children as can be shown beside each other; more become stretches of about equal length. */
function stretched(path: string, children: readonly Group[]): readonly Group[] {
  if (children.length <= MOST_CHILDREN) return children;
  const count = Math.min(MOST_CHILDREN, Math.ceil(Math.sqrt(children.length)));
  const size = Math.ceil(children.length / count);
  const stretches: Group[] = [];
  for (let start = 0; start < children.length; start += size) {
    const part = children.slice(start, start + size);
    const [first, last] = [part[0], part.at(-1)];
    if (first === undefined || last === undefined) continue;
    const partPath = `${path}{${start}-${start + part.length - 1}}`;
    stretches.push({
      path: partPath,
      label: part.length === 1 ? first.label : `${first.label} … ${last.label}`,
      kind: 'stretch',
      children: stretched(partPath, part),
      nodes: part.flatMap(({ nodes }) => nodes).sort((a, b) => a - b),
    });
  }
  return stretches;
}

function firstOf({ nodes }: Group): number {
  return nodes[0] ?? 0;
}

/** What makes two blocks the same: operations, shapes, and the edges among their nodes. */
class Signatures {
  readonly #graph: ArchitectureGraph;
  readonly #targets: readonly number[][];
  readonly #known = new Map<string, string>();

  constructor(graph: ArchitectureGraph) {
    this.#graph = graph;
    this.#targets = graph.nodes.map(() => []);
    for (const { source, target } of graph.edges) this.#targets[source]?.push(target);
  }

  of(nodes: readonly number[]): string {
    const key = `${nodes[0]}/${nodes.length}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const places = new Map(nodes.map((node, place) => [node, place]));
    const signature = nodes
      .map((node) => {
        const { operation = '', shape = [] } = this.#graph.nodes[node] ?? {};
        const inner = (this.#targets[node] ?? []).flatMap((target) => places.get(target) ?? []);
        return `${operation}:${shape.join('x')}>${inner.sort((a, b) => a - b).join(',')}`;
      })
      .join(';');
    this.#known.set(key, signature);
    return signature;
  }
}
