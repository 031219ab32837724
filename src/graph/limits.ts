import type { ArchitectureGraph } from './graph';
import { elementCount } from './graph';
import type { Violations } from './violations';

/** What the server's settings allow of one architecture. */
export interface GraphLimits {
  /** `--max-nodes`; edges, tensors and blocks may each be ten times as many, repeated blocks a hundred times. */
  readonly maxNodes: number;
  /** `--max-parameters`: elements of all tensors together, those tied not counted. */
  readonly maxParameters: number;
}

/** How large an architecture is. */
export interface GraphSize {
  readonly nodes: number;
  readonly edges: number;
  readonly tensors: number;
  readonly blocks: number;
  /** Blocks of all tensors, their repetitions counted. */
  readonly pieces: number;
  /** Elements of all tensors together, those tied not counted. */
  readonly elements: number;
}

/** Bounds the time of shortest paths and the size of the plan. */
const PER_NODE = 10;
/** Repetitions are cheaper than blocks: they take no room in a request. */
const PIECES_PER_NODE = 100;

export function graphSize(graph: ArchitectureGraph): GraphSize {
  const own = graph.parameters.filter((parameter) => parameter.tiedTo === undefined);
  return {
    nodes: graph.nodes.length,
    edges: graph.edges.length,
    tensors: graph.parameters.length,
    blocks: own.reduce((sum, parameter) => sum + parameter.blocks.length, 0),
    pieces: own.reduce((sum, { blocks, repetitions = 1 }) => sum + blocks.length * repetitions, 0),
    elements: own.reduce((sum, parameter) => sum + elementCount(parameter.shape), 0),
  };
}

/** Adds a violation on `field` for each limit that the size exceeds. */
export function checkLimits(
  size: GraphSize,
  limits: GraphLimits,
  field: string,
  violations: Violations,
): void {
  const check = (count: number, noun: string, limit: number, setting: string): void => {
    if (count <= limit) return;
    violations.add(
      field,
      `has ${readable(count)} ${noun}; this server allows ${readable(limit)} (${setting})`,
    );
  };
  check(size.nodes, 'nodes', limits.maxNodes, '--max-nodes');
  if (size.nodes <= limits.maxNodes) {
    for (const noun of ['edges', 'tensors', 'blocks'] as const) {
      check(size[noun], noun, limits.maxNodes * PER_NODE, `${PER_NODE} times --max-nodes`);
    }
    const pieces = limits.maxNodes * PIECES_PER_NODE;
    check(size.pieces, 'blocks with repetitions', pieces, `${PIECES_PER_NODE} times --max-nodes`);
  }
  check(size.elements, 'parameters', limits.maxParameters, '--max-parameters');
}

function readable(count: number): string {
  return Number.isSafeInteger(count) ? count.toLocaleString('en-US') : count.toExponential(1);
}
