/** Chooses the recipe of a block: what the decoder makes of it, how much of that is repeated, and its rank. */

import {
  DEFAULT_INITIALIZER_RANGE,
  elementCount,
  type InitializationOrigin,
  type PredictionOrigin,
} from '../graph/graph';
import type { HypernetConfig } from '../hypernet/manifest';
import type { Recipe, Scale } from './recipe';

/** A recipe, and what the plan says of it. */
export interface PlannedRecipe {
  readonly recipe: Recipe;
  /** Largest rank of the decoded matrix; 0 where rank says nothing (vectors, whole blocks). */
  readonly rank: number;
  /** Elements that are not repetitions of others. */
  readonly distinct: number;
}

/** The recipe of a block of `elements` that is filled by rule, in a parameter of `shape`. */
export function fillRecipe(
  origin: InitializationOrigin,
  shape: readonly number[],
  elements: number,
): PlannedRecipe {
  return { recipe: { ...origin, kind: 'fill', shape }, rank: 0, distinct: elements };
}

/**
 * The recipe of a predicted block of `shape`, decoded from a node that the encoder saw with `nodeShape`, in a network
 * that gives its weights the standard deviation `initializerRange`.
 */
export function predictedRecipe(
  origin: PredictionOrigin,
  shape: readonly number[],
  nodeShape: readonly number[],
  config: HypernetConfig,
  initializerRange = DEFAULT_INITIALIZER_RANGE,
): PlannedRecipe {
  return config.decoder === 'dense'
    ? denseRecipe(origin, shape, nodeShape, config)
    : lowRankRecipe(origin, shape, nodeShape, config, initializerRange);
}

/**
 * The factor of a weight's scale: sqrt(2 / fan_in), fan_in being all dimensions but the first; sqrt(1 / fan_in)
 * where no ReLU follows (depthwise and wide kernels); 1 for position embeddings of patches, and for embeddings unless
 * the model scales them too.
 */
export function fanInScale(
  role: PredictionOrigin['role'],
  shape: readonly number[],
  { embedding_scale }: Pick<HypernetConfig, 'embedding_scale'>,
): number {
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  if (role === 'embedding' && embedding_scale === 'none') return 1;
  if (shape.length > 2 && first === 1 && third >= 11) return 1;
  const fanIn = second * third * fourth;
  const beforeReLU = !(shape.length > 3 && (second === 1 || third < fourth));
  return Math.sqrt((beforeReLU ? 2 : 1) / fanIn);
}

/** The length at which the published decoder predicts a vector (`min_sz`); it moves the bias. */
export function roundedLength(length: number, largest: number): number {
  const clamped = Math.min(length, largest);
  const rounded = clamped % 3 === 0 ? (clamped / 3) * 4 : clamped;
  return rounded >= largest / 2 ? largest : rounded;
}

/** Source of the scale to a standard deviation: `GHN3_GPT._normalize` of the LoGAH authors. */
function lowRankScale(
  role: PredictionOrigin['role'],
  shape: readonly number[],
  config: HypernetConfig,
  target: number,
): Scale {
  if (config.normalization === 'fan_in' || role === 'embedding') return fanInScale(role, shape, config);
  const [first = 1, second = 1, third = 1] = shape;
  return shape.length === 3 ? { target, first: second, second: third } : { target, first, second };
}

function lowRankRecipe(
  origin: PredictionOrigin,
  shape: readonly number[],
  nodeShape: readonly number[],
  config: HypernetConfig,
  initializerRange: number,
): PlannedRecipe {
  const { node, slot } = origin;
  const { rank, ck } = config;
  const [maxOut, maxIn] = config.max_shape;
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  const scale = lowRankScale(origin.role, shape, config, initializerRange);
  if (shape.length === 1) {
    const length = Math.min(first, maxOut);
    const aligned = config.decoder === 'aligned';
    return {
      recipe: {
        kind: 'vector',
        node,
        slot,
        row: origin.role === 'norm_weight' ? 0 : 1,
        length,
        rounded: aligned ? length : roundedLength(first, maxOut),
        layout: aligned ? 'pair' : 'column',
      },
      rank: 0,
      distinct: length,
    };
  }
  if (shape.length === 2) {
    const m = Math.min(first, maxOut);
    const n = Math.min(second, maxIn);
    return {
      recipe: { kind: 'matrix', node, slot, m, n, scale },
      rank: Math.min(rank, m, n),
      distinct: m * n,
    };
  }
  if (shape.length === 3) {
    const s = positionSide(second, nodeShape);
    const c = Math.min(third, Math.floor(ck / s));
    return {
      recipe: { kind: 'position', node, slot, c, s, scale },
      rank: Math.min(rank, s, c * s),
      distinct: Math.min(second, s * s) * c,
    };
  }
  const o = Math.min(first, maxOut, Math.floor(ck / third));
  const i = Math.min(second, maxIn, Math.floor(ck / fourth));
  return {
    recipe: { kind: 'kernel', node, slot, o, i, h: third, w: fourth, scale },
    rank: Math.min(rank, o * third, i * fourth),
    distinct: o * i * third * fourth,
  };
}

function denseRecipe(
  origin: PredictionOrigin,
  shape: readonly number[],
  nodeShape: readonly number[],
  config: HypernetConfig,
): PlannedRecipe {
  const { node, slot } = origin;
  const [maxOut, maxIn] = config.max_shape;
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  const scale = fanInScale(origin.role, shape, config);
  if (shape.length === 1) {
    const available = origin.classifier ? config.num_classes : Math.max(maxOut, maxIn);
    const length = Math.min(first, available);
    const row = origin.role === 'norm_weight' ? 0 : 1;
    const output = origin.classifier ? 'class_bias' : 'vector';
    return { recipe: { kind: 'dense_vector', node, slot, output, row, length }, rank: 0, distinct: length };
  }
  if (shape.length === 2 && origin.classifier) {
    const m = Math.min(first, config.num_classes);
    const n = Math.min(second, maxIn);
    return { recipe: { kind: 'dense_class', node, slot, m, n, scale }, rank: 0, distinct: m * n };
  }
  if (shape.length === 3) {
    const s = positionSide(second, nodeShape);
    const c = Math.min(third, maxIn);
    const distinct = Math.min(second, s * s) * c;
    return { recipe: { kind: 'dense_position', node, slot, c, s, scale }, rank: 0, distinct };
  }
  const decoded = [Math.min(first, maxOut), Math.min(second, maxIn), third, fourth] as const;
  return {
    recipe: { kind: 'dense_kernel', node, slot, decoded, scale },
    rank: 0,
    distinct: elementCount(decoded),
  };
}

/** The side of the square of patches that position embeddings are decoded as. */
function positionSide(tokens: number, nodeShape: readonly number[]): number {
  return nodeShape[2] ?? Math.floor(Math.sqrt(tokens));
}
