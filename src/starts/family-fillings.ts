/** Where transformers draws a family's weights otherwise than with one deviation for all: its `_init_weights`. */

import type { Filling } from '../graph/filling';
import { DEFAULT_INITIALIZER_RANGE, elementCount, fanIn, type ArchitectureGraph } from '../graph/graph';
import type { StartingBlock } from './start';

type FamilyFilling = (block: StartingBlock, graph: ArchitectureGraph) => Filling | undefined;

/** Undefined: as the rest of the network. */
export function familyFilling(graph: ArchitectureGraph, block: StartingBlock): Filling | undefined {
  const { family } = graph;
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family]?.(block, graph) : undefined;
}

const ZEROS: Filling = { rule: 'zeros', standardDeviation: 0 };

const FAMILIES: Readonly<Record<string, FamilyFilling>> = {
  clip,
  clip_text_model: clip,
  clip_vision_model: clip,
  deit,
  gpt2,
  resnet,
  siglip,
  siglip_text_model: siglip,
  siglip_vision_model: siglip,
  t5,
};

function normal(standardDeviation: number): Filling {
  return { rule: 'normal', standardDeviation };
}

function deit({ parameter }: StartingBlock): Filling | undefined {
  return parameter.name.endsWith('embeddings.position_embeddings') ? ZEROS : undefined;
}

/** What is written to the residual stream is smaller by the root of the number of writers. */
function gpt2({ parameter }: StartingBlock, graph: ArchitectureGraph): Filling | undefined {
  if (!GPT2_WRITER.test(parameter.name)) return undefined;
  const writers = graph.parameters.filter(({ name }) => GPT2_WRITER.test(name)).length;
  return normal((graph.initializerRange ?? DEFAULT_INITIALIZER_RANGE) / Math.sqrt(writers));
}

const GPT2_WRITER = /(?:^|\.)h\.\d+\.(?:attn|mlp)\.c_proj\.weight$/;

/** Kaiming's normal by fan-out for convolutions; the head is PyTorch's linear layer as it is. */
function resnet({ parameter, origin, shape }: StartingBlock, graph: ArchitectureGraph): Filling | undefined {
  if (shape.length === 4) return normal(Math.sqrt(2 / (elementCount(shape) / (shape[1] ?? 1))));
  if (!/(?:^|\.)classifier\.\d+\./.test(parameter.name)) return undefined;
  if (origin.role === 'matrix') return { rule: 'uniform', bound: fanIn(shape) ** -0.5 };
  const weight = graph.parameters.find(({ name }) => name === parameter.name.replace(/bias$/, 'weight'));
  return { rule: 'uniform', bound: fanIn(weight?.shape ?? [1, 1]) ** -0.5 };
}

/** By the width that a matrix reads; queries by that of their heads, too. Tables and norms have `initializer_factor`. */
function t5({ parameter, origin, shape }: StartingBlock, graph: ArchitectureGraph): Filling | undefined {
  const factor = t5Factor(graph);
  if (origin.role === 'norm_weight') return { rule: 'constant', value: factor };
  if (origin.role === 'bias') return undefined;
  const isTable = origin.role === 'embedding' || shape[0] === graph.sizes.vocab_size;
  if (isTable) return normal(factor);
  const heads = parameter.name.endsWith('.q.weight') ? (graph.sizes.d_kv ?? 1) : 1;
  return normal(factor * (fanIn(shape) * heads) ** -0.5);
}

/** The configuration's `initializer_factor`, by the rule of a table that no model predicts: factor / sqrt(width). */
function t5Factor({ parameters }: ArchitectureGraph): number {
  for (const { name, blocks } of parameters) {
    const origin = blocks[0]?.origin;
    if (!name.endsWith('relative_attention_bias.weight') || origin?.kind !== 'initialization') continue;
    const norm = parameters.find(({ name: other }) => other.endsWith('layer_norm.weight'));
    if (origin.rule === 'normal') return origin.standardDeviation * Math.sqrt(norm?.shape[0] ?? 1);
  }
  return 1;
}

/** Of both towers: attention and MLP by width and depth, what is read by the deviation of transformers' families. */
function clip({ parameter, origin, shape }: StartingBlock, graph: ArchitectureGraph): Filling | undefined {
  const { name } = parameter;
  if (origin.role === 'norm_weight' || origin.role === 'bias') return undefined;
  const [, tower = '', inLayer] = /^(.*?)encoder\.layers\.\d+\.([\w.]+)\.weight$/.exec(name) ?? [];
  const factor = clipFactor(graph);
  const [rows = 1, columns = 1] = shape;
  switch (inLayer) {
    case 'self_attn.q_proj':
    case 'self_attn.k_proj':
    case 'self_attn.v_proj':
      return normal(factor * columns ** -0.5 * (2 * layersOf(graph, tower)) ** -0.5);
    case 'self_attn.out_proj':
      return normal(factor * columns ** -0.5);
    case 'mlp.fc1':
      return normal(factor * (2 * columns) ** -0.5);
    case 'mlp.fc2':
      return normal(factor * rows ** -0.5 * (2 * layersOf(graph, tower)) ** -0.5);
    case undefined:
    default:
  }
  if (/(?:_projection|classifier)\.weight$/.test(name)) return normal(factor * columns ** -0.5);
  return normal(factor * (graph.initializerRange ?? DEFAULT_INITIALIZER_RANGE));
}

/** The configuration's `initializer_factor`, by the rule of the class token: factor / sqrt(width). */
function clipFactor({ parameters }: ArchitectureGraph): number {
  const token = parameters.find(({ name }) => name.endsWith('class_embedding'));
  const origin = token?.blocks[0]?.origin;
  if (token === undefined || origin?.kind !== 'initialization' || origin.rule !== 'normal') return 1;
  return origin.standardDeviation * Math.sqrt(elementCount(token.shape));
}

/** The layers of the tower whose tensors' names begin so. */
function layersOf({ parameters }: ArchitectureGraph, tower: string): number {
  const layers = parameters.flatMap(({ name }) =>
    name.startsWith(`${tower}encoder.layers.`) ? [name.slice(tower.length).split('.')[2]] : [],
  );
  return Math.max(1, new Set(layers).size);
}

/** JAX's defaults, as its authors trained it: Glorot's uniform in layers, LeCun's truncated normal elsewhere. */
function siglip({ parameter, origin, shape }: StartingBlock): Filling | undefined {
  const { name } = parameter;
  if (origin.role === 'bias') return /\.mlp\.fc[12]\.bias$/.test(name) ? normal(1e-6) : undefined;
  if (origin.role === 'norm_weight') return undefined;
  const whole = parameter.shape;
  if (origin.role === 'embedding') return normal((whole.at(-1) ?? 1) ** -0.5);
  if (/\.(?:[qkv]_proj|fc[12])\.weight$|self_attn\.out_proj\.weight$|in_proj_weight$/.test(name)) {
    return { rule: 'uniform', bound: Math.sqrt(6 / (fanIn(whole) + (whole[0] ?? 1))) };
  }
  if (name.endsWith('classifier.weight')) return normal(fanIn(shape) ** -0.5);
  // transformers divides by the deviation of a normal cut at two deviations, and then cuts at two.
  return { rule: 'truncated_normal', standardDeviation: fanIn(shape) ** -0.5 / TRUNCATED_DEVIATION };
}

/** Of a standard normal that is cut at two. */
const TRUNCATED_DEVIATION = 0.879_625_661_034_239_78;
