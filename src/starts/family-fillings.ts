/** Where transformers draws a family's weights otherwise than with one deviation for all: its `_init_weights`. */

import type { Filling } from '../graph/filling';
import { DEFAULT_INITIALIZER_RANGE, elementCount, type ArchitectureGraph } from '../graph/graph';
import { fanIn, type StartingBlock } from './start';

type FamilyFilling = (block: StartingBlock, graph: ArchitectureGraph) => Filling | undefined;

/** Undefined: as the rest of the network. */
export function familyFilling(graph: ArchitectureGraph, block: StartingBlock): Filling | undefined {
  const { family } = graph;
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family]?.(block, graph) : undefined;
}

const ZEROS: Filling = { rule: 'zeros', standardDeviation: 0 };

const FAMILIES: Readonly<Record<string, FamilyFilling>> = { deit, gpt2, resnet, t5 };

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
