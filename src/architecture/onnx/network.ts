/** Collects what an ONNX graph stands for: nodes, edges, and where each weight's values come from. */

import { invalidField } from '../../errors';
import {
  elementCount,
  type ArchitectureGraph,
  type Block,
  type Filling,
  type GraphNode,
  type Parameter,
  type Role,
} from '../../graph/graph';
import type { GraphLimits } from '../../graph/limits';
import { MAX_NAME } from '../../graph/names';
import { quoted } from '../../graph/violations';
import { ONNX_FIELD } from './model';
import type { Sources, Weight } from './values';

/** A node while the graph is read. */
interface DraftNode {
  readonly node: GraphNode;
  readonly sources: Sources;
  /** The weight that it stands for, where it has one. */
  readonly weight: Weight | undefined;
  /** Whether others shall read its sources in its place. */
  bypassed: boolean;
}

/** Where a weight's values come from. */
interface Assignment {
  readonly axis: number;
  readonly blocks: readonly Block[];
}

/** Largest number of dimensions of a parameter, as the contract has it. */
const MAX_DIMENSIONS = 4;

/** Sources that values may have together for each node that is allowed: bounds time and memory. */
const SOURCES_PER_NODE = 100;

export class Network {
  private readonly nodes: DraftNode[] = [];
  /** How often each name has been asked for. */
  private readonly names = new Map<string, number>();
  private readonly assignments = new Map<Weight, Assignment>();
  private readonly made = new Map<string | Weight, number>();
  private joined = 0;

  constructor(private readonly limits: GraphLimits) {
    this.node('input', 'input', [], []);
  }

  /**
   * Adds a node that reads the nodes `sources`, or the input where there are none; returns its index. Throws LogahError
   * for more nodes than allowed.
   */
  node(name: string, operation: string, shape: readonly number[], sources: Sources, weight?: Weight): number {
    const { maxNodes } = this.limits;
    const index = this.nodes.length;
    if (index >= maxNodes) {
      throw invalidField(
        ONNX_FIELD,
        `has more than ${maxNodes} nodes; this server allows ${maxNodes} (--max-nodes)`,
      );
    }
    const isLeaf = operation === 'pos_enc' || index === 0;
    const read = sources.length === 0 && !isLeaf ? [0] : sources;
    const node = { name: this.uniqueName(name), operation, shape };
    this.nodes.push({ node, sources: read, weight, bypassed: false });
    return index;
  }

  /** The node that `make` adds, or added before for the same key. */
  once(key: string | Weight, make: () => number): number {
    const index = this.made.get(key) ?? make();
    this.made.set(key, index);
    return index;
  }

  /** Whether `once` has been asked for the key. */
  has(key: string): boolean {
    return this.made.has(key);
  }

  /** Nodes that any of several values comes from. Throws LogahError where that is more than the server allows. */
  union(all: readonly Sources[]): Sources {
    const [first = [], ...others] = all.filter((sources) => sources.length > 0);
    if (others.every((sources) => sources === first)) return first;
    const union = [...new Set([first, ...others].flat())].sort((a, b) => a - b);
    this.joined += union.length;
    if (this.joined > this.limits.maxNodes * SOURCES_PER_NODE) {
      throw invalidField(ONNX_FIELD, 'joins more values than this server allows (100 times --max-nodes)');
    }
    return union;
  }

  /** The node `index`; the readers of a bypassed node read its sources. */
  at(index: number): {
    readonly node: GraphNode;
    readonly sources: Sources;
    readonly weight: Weight | undefined;
  } {
    const draft = this.nodes[index];
    if (draft === undefined) throw new Error(`there is no node ${index}`);
    return draft;
  }

  bypass(index: number): void {
    const draft = this.nodes[index];
    if (draft !== undefined) draft.bypassed = true;
  }

  /** Makes an embedding a linear layer's weight, which a table is that the head shares. */
  shareTable(table: Weight): void {
    const index = this.nodes.findIndex(({ weight }) => weight === table);
    const draft = this.nodes[index];
    if (draft === undefined) return;
    this.nodes[index] = { ...draft, node: { ...draft.node, operation: 'conv' } };
    this.assignments.delete(table);
    this.predict(table, index, 'matrix');
  }

  /** Whether the weight is an embedding table. */
  isTable(weight: Weight): boolean {
    const origin = this.assignments.get(weight)?.blocks[0]?.origin;
    return origin?.kind === 'prediction' && origin.role === 'embedding';
  }

  /** The whole weight from one node, unless it has its origin already. */
  predict(weight: Weight, node: number, role: Role, slot = 0): void {
    this.assign(weight, 0, [this.predicted(weight.shape[0] ?? 1, node, role, slot)]);
  }

  /** Parts of a weight along an axis, unless it has its origin already. */
  assign(weight: Weight, axis: number, blocks: readonly Block[]): void {
    const { name, shape } = weight;
    if (this.assignments.has(weight)) return;
    if (shape.length > MAX_DIMENSIONS) {
      const came = `weight ${quoted(name)} has ${shape.length} dimensions`;
      throw invalidField(ONNX_FIELD, `${came}; 1 to ${MAX_DIMENSIONS} are allowed`);
    }
    this.assignments.set(weight, { axis, blocks });
  }

  predicted(length: number, node: number, role: Role, slot = 0): Block {
    return { length, origin: { kind: 'prediction', node, role, classifier: false, slot } };
  }

  /** The whole weight by rule, unless it has its origin already. */
  fill(weight: Weight, filling: Filling): void {
    this.assign(weight, 0, [
      { length: weight.shape[0] ?? 1, origin: { kind: 'initialization', ...filling } },
    ]);
  }

  /** Tells blocks of nodes that look alike apart, where the weight of `node` is predicted whole. */
  setSlot(node: number, slot: number): void {
    this.changeOrigin(node, (block) => ({ ...block, origin: { ...block.origin, slot } as Block['origin'] }));
  }

  setClassifier(node: number): void {
    this.changeOrigin(node, (block) => ({
      ...block,
      origin: { ...block.origin, classifier: true } as Block['origin'],
    }));
  }

  /** Cuts the weight of `node` in equal parts along an axis, one a slot. */
  cut(node: number, axis: number, parts: number): void {
    const { weight } = this.at(node);
    const assignment = weight && this.assignments.get(weight);
    const origin = assignment?.blocks[0]?.origin;
    if (weight === undefined || origin?.kind !== 'prediction' || origin.node !== node) return;
    const length = (weight.shape[axis] ?? 0) / parts;
    const blocks = Array.from({ length: parts }, (_, slot) =>
      this.predicted(length, node, origin.role, slot),
    );
    this.assignments.set(weight, { axis, blocks });
  }

  private changeOrigin(node: number, change: (block: Block) => Block): void {
    const { weight } = this.at(node);
    const assignment = weight && this.assignments.get(weight);
    const [block, ...others] = assignment?.blocks ?? [];
    if (weight === undefined || assignment === undefined || block === undefined || others.length > 0) return;
    // A weight that several nodes share is the first one's.
    if (block.origin.kind !== 'prediction' || block.origin.node !== node) return;
    this.assignments.set(weight, { ...assignment, blocks: [change(block)] });
  }

  /** The graph, with the weights in the order of `weights`; those without an origin are no parameters. */
  build(name: string, weights: Iterable<Weight>): ArchitectureGraph {
    const kept = this.nodes.flatMap(({ bypassed }, index) => (bypassed ? [] : [index]));
    const indices = new Map(kept.map((old, index) => [old, index]));
    // Sources come before their readers.
    const read: (readonly number[])[] = [];
    for (const { sources } of this.nodes) {
      const found = sources.flatMap((source) => {
        const index = indices.get(source);
        return index === undefined ? (read[source] ?? []) : [index];
      });
      read.push([...new Set(found)]);
    }
    const parameters = [...weights].flatMap((weight): Parameter[] => {
      const assignment = this.assignments.get(weight);
      if (assignment === undefined) return [];
      const { axis } = assignment;
      const blocks = assignment.blocks.map(({ length, origin }): Block => ({
        length,
        origin: origin.kind === 'prediction' ? { ...origin, node: indices.get(origin.node) ?? 0 } : origin,
      }));
      return [{ name: weight.name, shape: weight.shape, axis, blocks, tiedTo: undefined }];
    });
    return {
      name: name.slice(0, MAX_NAME),
      family: '',
      nodes: kept.map((index) => (this.nodes[index] as DraftNode).node),
      edges: kept.flatMap((index, target) => (read[index] ?? []).map((source) => ({ source, target }))),
      parameters,
      sizes: {},
    };
  }

  private uniqueName(name: string): string {
    let unique = name.slice(-(MAX_NAME - 8)) || 'node';
    for (let count = this.names.get(unique); count !== undefined; count = this.names.get(unique)) {
      this.names.set(unique, count + 1);
      unique = `${name.slice(-(MAX_NAME - 8)) || 'node'}#${count + 1}`;
    }
    this.names.set(unique, 1);
    return unique;
  }
}

/** Rules of the frameworks for what no hypernetwork predicts. */
export const FILLINGS = {
  zeros: { rule: 'zeros', standardDeviation: 0 },
  ones: { rule: 'ones', standardDeviation: 0 },
  /** Tokens, position tables and relative positions in transformers and timm. */
  tokens: { rule: 'truncated_normal', standardDeviation: 0.02 },
  /** ConvNeXt's. */
  layerScale: { rule: 'constant', value: 1e-6 },
  /** PyTorch's slope of a PReLU. */
  slope: { rule: 'constant', value: 0.25 },
} as const satisfies Readonly<Record<string, Filling>>;

/** PyTorch's rule for weights of layers, `kaiming_uniform_` with a = sqrt(5), and for their biases. */
export function uniformOf(fanIn: number): Filling {
  return { rule: 'uniform', bound: 1 / Math.sqrt(Math.max(1, fanIn)) };
}

/** Elements of all dimensions but the first. */
export function fanIn(shape: readonly number[]): number {
  return elementCount(shape.slice(1));
}
