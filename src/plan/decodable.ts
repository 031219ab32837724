/** What cannot be decoded within bounded memory, or not at all, told before anything is decoded. */

import { invalidFields, type FieldViolation } from '../errors';
import { elementCount, viewOf, type ArchitectureGraph, type Parameter } from '../graph/graph';
import { predictedShape } from '../graph/layout';
import { quoted } from '../graph/violations';
import type { HypernetConfig } from '../hypernet/manifest';
import { canJoin, joinDimensions, parameterView } from './layout';
import type { Recipe } from './recipe';
import { predictedRecipe } from './recipe-for';

/** Elements of one row of a predicted tensor's matrix view, since a tile has at least a row: 16 MiB of float32. */
const MAX_ROW_ELEMENTS = 1 << 22;

/** Elements of a block that a dense decoder makes in one piece: 64 MiB of float32. */
const MAX_DENSE_ELEMENTS = 1 << 24;

/** More are not listed. */
const LISTED = 20;

/**
 * Throws LogahError (invalid_argument) that names each parameter that cannot be decoded, what came and what is allowed.
 * Blocks are decoded for `base`, whose weights the graph's repeat.
 */
export function checkDecodable(
  graph: ArchitectureGraph,
  config: HypernetConfig,
  base: ArchitectureGraph = graph,
): void {
  const violations: FieldViolation[] = [];
  for (const [index, parameter] of graph.parameters.entries()) {
    const misfit = layoutMisfit(parameter) ?? blocksMisfit(base.parameters[index] ?? parameter, base, config);
    if (misfit !== undefined) {
      violations.push({
        field: 'architecture',
        description: `parameter ${quoted(parameter.name)} ${misfit}`,
      });
    }
    if (violations.length === LISTED) break;
  }
  if (violations.length > 0) throw invalidFields(violations);
}

function layoutMisfit(parameter: Parameter): string | undefined {
  const { shape, axis } = parameter;
  const { columns } = parameterView(parameter);
  if (columns > MAX_ROW_ELEMENTS) {
    return `of shape ${quoted(shape)} has ${columns} elements a row; at most ${MAX_ROW_ELEMENTS} are allowed`;
  }
  if (canJoin(parameter)) return undefined;
  const allowed = joinDimensions(viewOf(parameter)).join(' or ');
  return `of shape ${quoted(shape)} has blocks joined along dimension ${axis}; only ${allowed} is allowed`;
}

function blocksMisfit(
  parameter: Parameter,
  graph: ArchitectureGraph,
  config: HypernetConfig,
): string | undefined {
  for (const block of parameter.blocks) {
    if (block.origin.kind === 'initialization') continue;
    const nodeShape = graph.nodes[block.origin.node]?.shape ?? [];
    const { slot } = block.origin;
    if (config.slots > 1 && slot >= config.slots) {
      return `has slot ${slot}; this model has ${config.slots}, so 0 to ${config.slots - 1} are allowed`;
    }
    const { recipe } = predictedRecipe(block.origin, predictedShape(parameter, block), nodeShape, config);
    const misfit = recipeMisfit(recipe, config) ?? deviationMisfit(recipe);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

function deviationMisfit(recipe: Recipe): string | undefined {
  if (!('scale' in recipe) || typeof recipe.scale === 'number') return undefined;
  const elements =
    recipe.scale.first * recipe.scale.second * (recipe.kind === 'kernel' ? recipe.h * recipe.w : 1);
  if (elements > 1) return undefined;
  return 'is predicted in a block of one element; this model divides by the standard deviation, which takes two';
}

function recipeMisfit(recipe: Recipe, { ck }: HypernetConfig): string | undefined {
  switch (recipe.kind) {
    case 'kernel': {
      const side = Math.max(recipe.h, recipe.w);
      if (side <= ck) return undefined;
      return `has kernels of side ${side}; this model's factors have ${ck} rows, so at most ${ck} is allowed`;
    }
    case 'position':
      if (recipe.s <= ck) return undefined;
      return `has a square of side ${recipe.s}; this model's factors have ${ck} rows, so at most ${ck} is allowed`;
    case 'dense_kernel':
      return denseMisfit(recipe.decoded);
    case 'dense_position':
      return denseMisfit([1, recipe.c, recipe.s, recipe.s]);
    case 'fill':
    case 'matrix':
    case 'vector':
    case 'dense_vector':
    case 'dense_class':
      return undefined;
  }
}

function denseMisfit(decoded: readonly number[]): string | undefined {
  const elements = elementCount(decoded);
  if (elements <= MAX_DENSE_ELEMENTS) return undefined;
  return `needs a decoded block ${quoted(decoded)} of ${elements} elements; at most ${MAX_DENSE_ELEMENTS} are allowed`;
}
