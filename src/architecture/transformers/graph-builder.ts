import type { ArchitectureGraph, Filling, GraphEdge, GraphNode, Parameter, Role } from '../../graph/graph';

export interface PredictedOptions {
  readonly classifier?: boolean;
  readonly slot?: number;
  /** The dimension that the layer sums over. */
  readonly inputAxis?: number;
}

export interface LinearOptions extends PredictedOptions {
  readonly bias?: boolean;
}

/** A place among the parameters that is kept for later ones. */
export interface Place {
  readonly parameters: Parameter[];
}

/** Collects nodes, edges and parameters while a front-end walks a network in forward order. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly edges: GraphEdge[] = [];
  /** The parameters are those of all places, one after the other. */
  private readonly places: [Place, ...Place[]] = [{ parameters: [] }];
  private place: Place = this.places[0];

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
    this.place.parameters.push(parameter);
  }

  /** Keeps a place for parameters that the framework lists here although their nodes come later. */
  keepPlace(): Place {
    const kept: Place = { parameters: [] };
    const next: Place = { parameters: [] };
    // Behind the present place, which may be one kept before.
    this.places.splice(this.places.indexOf(this.place) + 1, 0, kept, next);
    this.place = next;
    return kept;
  }

  /** What `add` adds goes to a place kept before. */
  at<Result>(kept: Place, add: () => Result): Result {
    const before = this.place;
    this.place = kept;
    const result = add();
    this.place = before;
    return result;
  }

  /** Adds a parameter that is another's storage; `feeding` is the node that its layer reads, where it is a layer's weight. */
  tied(name: string, shape: readonly number[], tiedTo: string, feeding?: number): void {
    this.parameter({ name, shape, axis: 0, blocks: [], tiedTo, feeding });
  }

  /** Adds a parameter that a rule fills whole. */
  initialized(name: string, shape: readonly number[], filling: Filling): void {
    const origin = { kind: 'initialization', ...filling } as const;
    this.parameter({ name, shape, axis: 0, blocks: [{ length: shape[0] ?? 1, origin }], tiedTo: undefined });
  }

  /** Adds a table that nothing reads: noise, with zeros in the row of padding. */
  unreadTable(name: string, shape: readonly [number, number], deviation: number, padding: unknown): void {
    const [entries] = shape;
    const row = typeof padding === 'number' ? (padding < 0 ? padding + entries : padding) : entries;
    const drawn = { kind: 'initialization', rule: 'normal', standardDeviation: deviation } as const;
    const zeros = { kind: 'initialization', rule: 'zeros', standardDeviation: 0 } as const;
    const blocks = [
      { length: row, origin: drawn },
      { length: Math.min(entries - row, 1), origin: zeros },
      { length: entries - row - 1, origin: drawn },
    ].filter(({ length }) => length > 0);
    this.parameter({ name, shape, axis: 0, blocks, tiedTo: undefined });
  }

  /** Adds a parameter of which every element is one value. */
  constant(name: string, shape: readonly number[], value: number): void {
    if (value === 0) this.initialized(name, shape, { rule: 'zeros', standardDeviation: 0 });
    else if (value === 1) this.initialized(name, shape, { rule: 'ones', standardDeviation: 0 });
    else this.initialized(name, shape, { rule: 'constant', value });
  }

  /** Adds a parameter that one node predicts whole. */
  predicted(
    name: string,
    shape: readonly number[],
    node: number,
    role: Role,
    { classifier = false, slot = 0, inputAxis }: PredictedOptions = {},
  ): void {
    const origin = { kind: 'prediction', node, role, classifier, slot } as const;
    const blocks = [{ length: shape[0] ?? 1, origin }];
    this.parameter({ name, shape, axis: 0, blocks, tiedTo: undefined, inputAxis });
  }

  /** Adds a parameter that one node predicts in blocks of these lengths, a slot for each, joined along `axis`. */
  joined(
    name: string,
    shape: readonly number[],
    node: number,
    role: Role,
    lengths: readonly number[],
    { axis = 0, inputAxis }: { axis?: number; inputAxis?: number } = {},
  ): void {
    const blocks = lengths.map((length, slot) => ({
      length,
      origin: { kind: 'prediction', node, role, classifier: false, slot } as const,
    }));
    this.parameter({ name, shape, axis, blocks, tiedTo: undefined, inputAxis });
  }

  /** Linear layers without biases side by side, [count, out, in], predicted as one; returns its node. */
  repeatedMatrix(
    name: string,
    count: number,
    [outFeatures, inFeatures]: readonly [number, number],
    after: number,
  ): number {
    const node = this.node(name, 'conv', [outFeatures, inFeatures], [after]);
    const origin = { kind: 'prediction', node, role: 'matrix', classifier: false, slot: 0 } as const;
    this.parameter({
      name,
      shape: [count, outFeatures, inFeatures],
      view: [count * outFeatures, inFeatures],
      axis: 0,
      blocks: [{ length: outFeatures, origin }],
      ...(count > 1 && { repetitions: count }),
      tiedTo: undefined,
    });
    return node;
  }

  /** A linear layer: a node for its weight, [out, in], and one for its bias. Returns the last of them. */
  linear(
    prefix: string,
    outFeatures: number,
    inFeatures: number,
    after: readonly number[],
    { bias = true, ...options }: LinearOptions = {},
  ): number {
    const weight = this.node(`${prefix}.weight`, 'conv', [outFeatures, inFeatures], after);
    this.predicted(`${prefix}.weight`, [outFeatures, inFeatures], weight, 'matrix', {
      ...options,
      inputAxis: 1,
    });
    if (!bias) return weight;
    const last = this.node(`${prefix}.bias`, 'bias', [outFeatures], [weight]);
    this.predicted(`${prefix}.bias`, [outFeatures], last, 'bias', options);
    return last;
  }

  /**
   * A table of embeddings. One that the head shares is a linear layer's weight, as which the authors' tracer names it
   * last.
   */
  embedding(name: string, entries: number, width: number, source: number, shared = false): number {
    const node = this.node(name, shared ? 'conv' : 'pos_enc', [entries, width], [source]);
    this.predicted(name, [entries, width], node, shared ? 'matrix' : 'embedding');
    return node;
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

  /** A convolution, [out, in, height, width]. Returns the last of its nodes. */
  convolution(
    prefix: string,
    shape: readonly [number, number, number, number],
    after: readonly number[],
    { bias = true, operation = 'conv' }: { bias?: boolean; operation?: string } = {},
  ): number {
    const weight = this.node(`${prefix}.weight`, operation, shape, after);
    this.predicted(`${prefix}.weight`, shape, weight, 'matrix', { inputAxis: 1 });
    if (!bias) return weight;
    const last = this.node(`${prefix}.bias`, 'bias', [shape[0]], [weight]);
    this.predicted(`${prefix}.bias`, [shape[0]], last, 'bias');
    return last;
  }

  /** A batch norm: one node, two parameters; its statistics are none. */
  batchNorm(prefix: string, channels: number, after: readonly number[]): number {
    const node = this.node(`${prefix}.weight`, 'bn', [channels], after);
    this.predicted(`${prefix}.weight`, [channels], node, 'norm_weight');
    this.predicted(`${prefix}.bias`, [channels], node, 'bias');
    return node;
  }

  /** The node of an RMS norm alone, where the framework lists its parameter later. */
  rmsNormNode(prefix: string, width: number, after: readonly number[]): number {
    return this.node(`${prefix}.weight`, 'rmsnorm', [width], after);
  }

  /** The parameter of a node of `rmsNormNode`. */
  rmsNormParameter(prefix: string, width: number, node: number): void {
    this.predicted(`${prefix}.weight`, [width], node, 'norm_weight');
  }

  /** The graph; `widths` names those of `sizes` that `ConfigReader.width` read, undefined where none were. */
  build(
    name: string,
    family: string,
    sizes: Readonly<Record<string, number>>,
    widths?: readonly string[],
  ): ArchitectureGraph {
    const parameters = heldByFirst(this.places.flatMap((place) => place.parameters));
    return { name, family, nodes: this.nodes, edges: this.edges, parameters, sizes, widths };
  }
}

/** The first of the names of a storage holds it, as frameworks have it; heads can come before the table that they share. */
function heldByFirst(parameters: readonly Parameter[]): Parameter[] {
  const own = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const holders = new Map<string, string>();
  for (const { name, tiedTo = name } of parameters) if (!holders.has(tiedTo)) holders.set(tiedTo, name);
  return parameters.map((parameter) => {
    const storage = parameter.tiedTo ?? parameter.name;
    const holder = holders.get(storage);
    const source = own.get(storage);
    if (holder === storage || source === undefined) return parameter;
    if (holder !== parameter.name) return { ...parameter, axis: 0, blocks: [], tiedTo: holder };
    const { axis, blocks, inputAxis } = source;
    return { ...parameter, axis, blocks, inputAxis, tiedTo: undefined };
  });
}
