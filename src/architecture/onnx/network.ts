/** Collects what an ONNX graph stands for: nodes, edges, and where each weight's values come from. */

import { invalidField } from '../../errors';
import type { ArchitectureGraph, GraphNode } from '../../graph/graph';
import type { GraphLimits } from '../../graph/limits';
import { MAX_NAME } from '../../graph/names';
import { ONNX_FIELD } from './model';
import { asStored } from './orientation';
import { Origins, type Account } from './origins';
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

/** Sources that values may have together for each node that is allowed: bounds time and memory. */
const SOURCES_PER_NODE = 100;

export class Network extends Origins {
  private readonly nodes: DraftNode[] = [];
  /** How often each name has been asked for. */
  private readonly names = new Map<string, number>();
  private readonly made = new Map<string | Weight, number>();
  private joined = 0;

  constructor(private readonly limits: GraphLimits) {
    super();
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
    this.forget(table);
    this.predict(table, index, 'matrix', asStored(table.shape));
  }

  /** Tells blocks of nodes that look alike apart, where the weight of `node` is predicted whole. */
  setSlot(node: number, slot: number): void {
    this.changeOrigin(this.at(node).weight, node, { slot });
  }

  setClassifier(node: number): void {
    this.changeOrigin(this.at(node).weight, node, { classifier: true });
  }

  /** Cuts the outputs of the weight of `node` in equal parts, one a slot. */
  cut(node: number, parts: number): void {
    const { weight } = this.at(node);
    if (weight !== undefined) this.cutOutputs(weight, node, parts);
  }

  /** The graph, with its parameters and what else the file holds. */
  build(name: string, { parameters, constants }: Account): ArchitectureGraph {
    const read = this.sourcesRead();
    const kept = this.inOrder(read);
    const indices = new Map(kept.map((old, index) => [old, index]));
    const indexOf = (node: number): number => indices.get(node) ?? 0;
    return {
      name: name.slice(0, MAX_NAME),
      family: '',
      nodes: kept.map((index) => (this.nodes[index] as DraftNode).node),
      edges: kept.flatMap((node, target) =>
        (read[node] ?? []).map((from) => ({ source: indexOf(from), target })),
      ),
      parameters: parameters.map((parameter) => ({
        ...parameter,
        blocks: parameter.blocks.map(({ length, origin }) => ({
          length,
          origin: origin.kind === 'prediction' ? { ...origin, node: indexOf(origin.node) } : origin,
        })),
      })),
      sizes: {},
      constants,
    };
  }

  /** What each node reads, that of bypassed ones in their place. */
  private sourcesRead(): readonly (readonly number[])[] {
    // Sources come before their readers.
    const read: (readonly number[])[] = [];
    for (const { sources } of this.nodes) {
      const found = sources.flatMap((source) =>
        this.nodes[source]?.bypassed === true ? (read[source] ?? []) : [source],
      );
      read.push([...new Set(found)]);
    }
    return read;
  }

  /**
   * Nodes that stay, in the order of the data flow. Rotary embeddings stand behind the projections of queries, keys and
   * values, as configurations and traces have them: an encoder's sums are rounded in the order of the nodes.
   */
  private inOrder(read: readonly (readonly number[])[]): readonly number[] {
    const kept = this.nodes.flatMap(({ bypassed }, index) => (bypassed ? [] : [index]));
    const readers = new Map<number, number[]>();
    for (const node of kept) {
      for (const source of read[node] ?? []) readers.set(source, [...(readers.get(source) ?? []), node]);
    }
    const isRotary = (node: number): boolean => this.nodes[node]?.node.operation === 'rot_emb';
    const isLate = (node: number): boolean => {
      const [reader, ...others] = readers.get(node) ?? [];
      return isRotary(node) && reader !== undefined && others.length === 0 && !isRotary(reader);
    };
    return kept.flatMap((node) => (isLate(node) ? [] : [...(read[node] ?? []).filter(isLate), node]));
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
