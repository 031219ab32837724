/** The tensors of the file: which are the same, and which are parameters. */

import { invalidField } from '../../errors';
import { elementCount } from '../../graph/graph';
import { quoted } from '../../graph/violations';
import type { TensorContent } from '../../onnx-file/content';
import { FLOAT_TYPES } from '../../onnx-file/fields';
import { ONNX_FIELD, type OnnxTensor } from './model';
import { CONSTANT, isVector, type Value, type Weight, type WeightValue } from './values';
import { permuted, reshaped, wholeView } from './weight-view';

/** One that stands for another: the same values under two names. */
export interface Copy {
  readonly of: Weight;
  readonly transposed: boolean;
  /** Whether its name is that of a parameter, tied to the other; else the exporter made it. */
  readonly tied: boolean;
}

/** Tensors that may be parameters: those of the file in its order, then those that nodes make. */
export class Weights {
  private readonly all = new Map<string, Weight>();
  private readonly copies = new Map<Weight, Copy>();
  private readonly contents: ReadonlyMap<string, TensorContent>;
  private readonly namesKept: boolean;

  /** `tensors`: of the file; their names show whether the exporter kept those of parameters. */
  constructor(contents: readonly TensorContent[], tensors: readonly OnnxTensor[]) {
    this.contents = new Map(contents.map((content) => [content.name, content]));
    this.namesKept = tensors.some(({ name }) => /[^:/]\.(weight|bias)$/.test(name));
  }

  /** The value of a tensor: a weight if it has dimensions, and is of floating point or stands for one that is. */
  add(
    name: string,
    { shape, dataType }: Pick<OnnxTensor, 'shape' | 'dataType'>,
    constant: boolean,
    quantized = false,
  ): Value {
    const elements = elementCount(shape);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(elements)) {
      throw invalidField(ONNX_FIELD, `tensor ${quoted(name)} has the shape ${quoted(shape)}`);
    }
    const isWeight = FLOAT_TYPES.has(dataType) || quantized;
    if (!isWeight || shape.length === 0 || elements === 0) return CONSTANT;
    const named = !constant && this.isName(name);
    const weight = { name, shape, elements, constant, named, content: this.contents.get(name) };
    this.all.set(name, weight);
    return valueOf(weight);
  }

  /**
   * What a copy by `Identity` stands for. PyTorch writes so what is equal at export: biases that are all zero, which are
   * parameters of their own, and every further use of a layer's weight.
   */
  copy(name: string, original: Weight): Value {
    const isMatrix = !isVector(original);
    const { content } = original;
    const isUniform = content !== undefined && CONSTANT_KINDS.has(content.kind);
    const differs = isUniform || (content === undefined && !isMatrix);
    const named = this.isName(name);
    if (!differs && !named) return valueOf(original);
    const weight = { ...original, name, named };
    this.all.set(name, weight);
    if (differs) return valueOf(weight);
    this.copies.set(weight, { of: original, transposed: false, tied: true });
    return valueOf(original);
  }

  /** Values of tensors that hold what others hold; reads what `add` has been told. */
  resolved(): Map<string, Value> {
    const groups = new Map<string, Weight[]>();
    for (const weight of this.all.values()) {
      const root = weight.content?.sameAs ?? weight.name;
      groups.set(root, [...(groups.get(root) ?? []), weight]);
    }
    const values = new Map<string, Value>();
    for (const group of groups.values()) {
      const main = group.find(({ named, content }) => named && content?.transposed !== true) ?? group[0];
      if (main?.content === undefined || CONSTANT_KINDS.has(main.content.kind)) continue;
      for (const weight of group) {
        if (weight === main) continue;
        const transposed = weight.content?.transposed !== main.content.transposed;
        const sameShape = !transposed && String(weight.shape) === String(main.shape);
        // Two parameters of one storage need one shape; one that the exporter turned around is no parameter.
        if (weight.named && !sameShape) continue;
        this.copies.set(weight, { of: main, transposed, tied: weight.named });
        const view = transposed ? permuted(wholeView(main.shape), []) : wholeView(main.shape);
        values.set(weight.name, { kind: 'weight', weights: [main], view: reshaped(view, weight.shape) });
      }
    }
    return values;
  }

  /** What the weight is a copy of. */
  copyOf(weight: Weight): Copy | undefined {
    return this.copies.get(weight);
  }

  /** The tensor of a name. */
  named(name: string): Weight | undefined {
    return this.all.get(name);
  }

  inOrder(): Iterable<Weight> {
    return this.all.values();
  }

  private isName(name: string): boolean {
    return !this.namesKept || !MADE_UP.test(name) || /[^:/]\.(weight|bias)$/.test(name);
  }
}

const CONSTANT_KINDS: ReadonlySet<string> = new Set(['zeros', 'ones', 'constant']);

/** Names that PyTorch's exporters and the optimisers make up: of operators, and numbered. */
const MADE_UP =
  /^(onnx::.*|_?val_\d+|\d+|[a-z_]*(const|constant|expand|cat|clone|transpose|permute|reshape|view|unsqueeze|zeros|ones|full|fused|node|mul|add|sub|div|t)[a-z]*(_\d+)*)$|(^|\/)Constant(_\d+)?$|_output_\d+$/i;

export function valueOf(weight: Weight): WeightValue {
  return { kind: 'weight', weights: [weight], view: wholeView(weight.shape) };
}
