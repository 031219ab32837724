import type { ArchitectureGraph, GraphEdge, GraphNode, Parameter, Role } from '../../graph/graph';

export interface PredictedOptions {
  readonly classifier?: boolean;
  readonly slot?: number;
}

/** Collects nodes, edges and parameters while a front-end walks a network in forward order. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly edges: GraphEdge[] = [];
  private readonly parameters: Parameter[] = [];

  /** Adds a node that reads the nodes `after`; returns its index. */
  node(
    name: string,
    operation: string,
    shape: readonly number[] = [],
    after: readonly number[] = [],
  ): number {
    const index = this.nodes.length;
    this.nodes.push({ name, operation, shape });
    for (const source of after) this.edges.push({ source, target: index });
    return index;
  }

  /** Adds a parameter of any origin. */
  parameter(parameter: Parameter): void {
    this.parameters.push(parameter);
  }

  /** Adds a parameter that one node predicts whole. */
  predicted(
    name: string,
    shape: readonly number[],
    node: number,
    role: Role,
    { classifier = false, slot = 0 }: PredictedOptions = {},
  ): void {
    const origin = { kind: 'prediction', node, role, classifier, slot } as const;
    this.parameter({ name, shape, axis: 0, blocks: [{ length: shape[0] ?? 1, origin }], tiedTo: undefined });
  }

  /** A layer norm: one node, two parameters. */
  layerNorm(prefix: string, width: number, after: readonly number[]): number {
    const index = this.layerNormNode(prefix, width, after);
    this.layerNormParameters(prefix, width, index);
    return index;
  }

  /** The node alone, where the framework lists the parameters later. */
  layerNormNode(prefix: string, width: number, after: readonly number[]): number {
    return this.node(`${prefix}.weight`, 'ln', [width], after);
  }

  /** The parameters of a node of `layerNormNode`. */
  layerNormParameters(prefix: string, width: number, node: number): void {
    this.predicted(`${prefix}.weight`, [width], node, 'norm_weight');
    this.predicted(`${prefix}.bias`, [width], node, 'bias');
  }

  build(name: string, family: string, sizes: Readonly<Record<string, number>>): ArchitectureGraph {
    return { name, family, nodes: this.nodes, edges: this.edges, parameters: this.parameters, sizes };
  }
}
