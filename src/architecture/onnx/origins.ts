/**
 * Where the values of each tensor of the file come from. Whatever reaches an output is accounted for: a parameter, by
 * prediction, by rule or tied to another, or a constant with the reason why it is none.
 */

import type {
  Block,
  Filling,
  NamedConstant,
  Parameter,
  PredictionOrigin,
  Role,
  TensorLayout,
} from '../../graph/graph';
import { quoted } from '../../graph/violations';
import { FLOAT_TYPES } from '../../onnx-file/fields';
import type { Merged } from './file-warnings';
import type { OnnxTensor } from './model';
import type { Orientation } from './orientation';
import { seenFilling } from './fillings';
import type { Weight } from './values';
import type { Weights } from './weights';

/** Where a weight's values come from. */
interface Assignment {
  /** As it is stored. */
  readonly axis: number;
  readonly blocks: readonly Block[];
  readonly layout: TensorLayout | undefined;
  /** The stored dimension of the layer's outputs. */
  readonly outputs: number | undefined;
}

/** What the file's tensors are in the network that has been read. */
export interface Account {
  readonly parameters: readonly Parameter[];
  readonly constants: readonly NamedConstant[];
  readonly merged: Merged;
}

export class Origins {
  private readonly assignments = new Map<Weight, Assignment>();
  private readonly constants = new Map<Weight, string>();
  /** What holds where nothing else does: a rule, or the reason why it is a constant. */
  private readonly suggestions = new Map<Weight, Filling | string>();
  /** Tensors that stay constants whatever else reads them. */
  private readonly statistics = new Set<Weight>();
  /** How many layers read each weight. */
  private readonly uses = new Map<Weight, number>();
  /** Tables of embeddings, also those that a head shares. */
  private readonly tables = new Set<Weight>();

  /** The whole weight from one node, unless it has its origin already. */
  predict(weight: Weight, node: number, role: Role, { layout, outputs }: Orientation, slot = 0): void {
    this.uses.set(weight, (this.uses.get(weight) ?? 0) + 1);
    if (role === 'embedding') this.tables.add(weight);
    const axis = outputs ?? 0;
    this.assign(weight, axis, [predicted(weight.shape[axis] ?? 1, node, role, slot)], { layout, outputs });
  }

  /** Parts of a weight along the dimension of its outputs, each from a node of its own. */
  predictParts(
    weight: Weight,
    parts: readonly { readonly node: number; readonly length: number }[],
    orientation: Orientation,
  ): void {
    const blocks = parts.map(({ node, length }) => predicted(length, node, 'matrix'));
    this.assign(weight, orientation.outputs ?? 0, blocks, orientation);
  }

  /** Parts of a weight along a stored axis, unless it has its origin already. */
  assign(
    weight: Weight,
    axis: number,
    blocks: readonly Block[],
    { layout, outputs }: Pick<Orientation, 'layout' | 'outputs'> = { layout: undefined, outputs: undefined },
  ): void {
    if (this.assignments.has(weight) || this.statistics.has(weight)) return;
    this.assignments.set(weight, { axis, blocks, layout, outputs });
  }

  /** The whole weight by rule, unless it has its origin already; its data may show that it is all one number. */
  fill(weight: Weight, filling: Filling): void {
    const origin = { kind: 'initialization' as const, ...(seenFilling(weight.content) ?? filling) };
    this.assign(weight, 0, [{ length: weight.shape[0] ?? 1, origin }]);
  }

  /** No parameter for this use of it, and the reason as a clause. */
  constant(weight: Weight, reason: string): void {
    if (!this.constants.has(weight)) this.constants.set(weight, reason);
  }

  /** What a weight is unless another use says otherwise: filled by rule, or a constant for a reason. */
  suggest(weight: Weight, origin: Filling | string): void {
    if (!this.suggestions.has(weight)) this.suggestions.set(weight, origin);
  }

  /** No parameter, whatever other uses say. */
  statistic(weight: Weight, reason: string): void {
    this.forget(weight);
    this.statistics.add(weight);
    this.constants.set(weight, reason);
  }

  isStatistic(weight: Weight): boolean {
    return this.statistics.has(weight);
  }

  /** Whether the weight is an embedding table. */
  isTable(weight: Weight): boolean {
    const origin = this.assignments.get(weight)?.blocks[0]?.origin;
    return origin?.kind === 'prediction' && origin.role === 'embedding';
  }

  protected forget(weight: Weight): void {
    this.assignments.delete(weight);
  }

  protected changeOrigin(weight: Weight | undefined, node: number, change: Partial<PredictionOrigin>): void {
    const assignment = weight && this.assignments.get(weight);
    if (weight === undefined || assignment === undefined) return;
    const isOwn = ({ origin }: Block): boolean => origin.kind === 'prediction' && origin.node === node;
    // A weight that several nodes share is the first one's; parts of one node have slots already.
    if (assignment.blocks.filter(isOwn).length !== 1) return;
    const blocks = assignment.blocks.map((block) =>
      block.origin.kind === 'prediction' && isOwn(block)
        ? { ...block, origin: { ...block.origin, ...change } }
        : block,
    );
    this.assignments.set(weight, { ...assignment, blocks });
  }

  protected cutOutputs(weight: Weight, node: number, parts: number): void {
    const assignment = this.assignments.get(weight);
    const axis = assignment?.outputs;
    const origin = assignment?.blocks[0]?.origin;
    if (assignment === undefined || axis === undefined) return;
    if (origin?.kind !== 'prediction' || origin.node !== node) return;
    const length = (weight.shape[axis] ?? 0) / parts;
    const blocks = Array.from({ length: parts }, (_, slot) => predicted(length, node, origin.role, slot));
    this.assignments.set(weight, { ...assignment, axis, blocks });
  }

  /**
   * Every tensor of `tensors`, which an output depends on, and every parameter that nodes make. Throws an Error if one were
   * left out or told twice.
   */
  account(weights: Weights, tensors: readonly OnnxTensor[]): Account {
    const reaching = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    const parameters: Parameter[] = [];
    const constants: NamedConstant[] = [];
    for (const weight of weights.inOrder()) {
      if (reaching.has(weight.name)) this.settle(weight, weights);
      const told = this.told(weight, weights);
      if ('reason' in told && reaching.has(weight.name)) constants.push(told);
      else if ('blocks' in told) parameters.push(told);
      reaching.delete(weight.name);
    }
    for (const { name, shape, dataType } of reaching.values()) {
      const reason = FLOAT_TYPES.has(dataType) ? 'a single number, or none' : 'no numbers of floating point';
      constants.push({ name, shape, reason });
    }
    const names = new Set([...parameters, ...constants].map(({ name }) => name));
    const missing = tensors.find(({ name }) => !names.has(name));
    if (missing !== undefined || names.size !== parameters.length + constants.length) {
      throw new Error(`tensor ${quoted(missing?.name)} of an ONNX file is not accounted for, or twice`);
    }
    return { parameters, constants, merged: this.merged(weights) };
  }

  /** Gives a weight that no operator has told anything of its place by what its data shows. */
  private settle(weight: Weight, weights: Weights): void {
    if (this.assignments.has(weight) || this.constants.has(weight) || weights.copyOf(weight)) return;
    const suggestion = this.suggestions.get(weight);
    const { content } = weight;
    if (typeof suggestion === 'string') {
      this.constant(weight, suggestion);
    } else if (suggestion !== undefined) {
      this.fill(weight, suggestion);
    } else if (content?.kind === 'drawn' && weight.named && weight.elements > 1) {
      this.fill(weight, { rule: 'normal', standardDeviation: Number(content.deviation.toPrecision(2)) });
    } else {
      this.constants.set(weight, 'read by no layer');
    }
  }

  private told(weight: Weight, weights: Weights): Parameter | NamedConstant {
    const { name, shape } = weight;
    const copy = weights.copyOf(weight);
    if (copy !== undefined && !this.assignments.has(weight)) {
      const original = quoted(copy.of.name);
      if (copy.tied && this.assignments.has(copy.of)) {
        return { name, shape, axis: 0, blocks: [], tiedTo: copy.of.name };
      }
      return { name, shape, reason: `a copy of ${original}${copy.transposed ? ', transposed' : ''}` };
    }
    const assignment = this.assignments.get(weight);
    if (assignment === undefined) return { name, shape, reason: this.constants.get(weight) ?? '' };
    const { axis, blocks, layout } = assignment;
    return { name, shape, axis, blocks, tiedTo: undefined, ...(layout && { layout }) };
  }

  private merged(weights: Weights): Merged {
    const all = [...weights.inOrder()];
    const read = all.filter((weight) => (this.uses.get(weight) ?? 0) > 1 && this.assignments.has(weight));
    const isUniform = ({ content }: Weight): boolean => content?.kind === 'zeros' || content?.kind === 'ones';
    // A head that shares the table of an embedding is meant.
    const shared = (weight: Weight): boolean => this.tables.has(weight);
    const names = (some: readonly Weight[]): string[] => some.map(({ name }) => name);
    return {
      uniform: names(read.filter(isUniform)),
      reused: names(read.filter((weight) => !isUniform(weight) && !shared(weight))),
      twins: all.flatMap((weight): [string, string][] => {
        const copy = weights.copyOf(weight);
        const isParameter = copy?.tied === true && this.assignments.has(copy.of);
        return isParameter && !this.assignments.has(weight) && !shared(copy.of)
          ? [[weight.name, copy.of.name]]
          : [];
      }),
    };
  }
}

export function predicted(length: number, node: number, role: Role, slot = 0): Block {
  return { length, origin: { kind: 'prediction', node, role, classifier: false, slot } };
}
