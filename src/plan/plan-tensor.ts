/** What one tensor of the plan is made of: its pieces, their recipes, and the counts that the plan tells of them. */

import {
  blockShape,
  elementCount,
  viewOf,
  type ArchitectureGraph,
  type Block,
  type Parameter,
} from '../graph/graph';
import { layoutGroups, predictedShape } from '../graph/layout';
import type { Widening } from '../graph/widening';
import type { HypernetConfig } from '../hypernet/manifest';
import type { Blend } from './blend/blend';
import { defaultMoments, type Span } from './blend/default-moments';
import type { RuleMoments } from '../random/rule-moments';
import { parameterView, placements, type MatrixView, type Placement } from './layout';
import { isLifted } from './blend/lifted';
import type { Recipe, Stored } from './recipe';
import { fillRecipe, predictedRecipe, type PlannedRecipe } from './recipe-for';
import { repeatedFill, repeatedRecipe } from './repeated-recipe';
import { strengthened } from './blend/strengthened';

/** Where a tensor's values come from; see `Source` in the contract. */
export type Source = 'predicted' | 'tiled' | 'initialized' | 'tied' | 'kept';

/** A piece of a tensor: a block in the tensor's matrix view. */
export interface Piece extends Placement {
  readonly recipe: Recipe;
  /** Undefined: the recipe's own order of elements. */
  readonly stored?: Stored | undefined;
  /** Standard deviation of the noise that is as strong as `base` asks for, above 0; undefined: none. */
  readonly base?: number | undefined;
}

/** A tensor, whatever of it is sent. */
export interface TensorContent {
  readonly name: string;
  readonly shape: readonly number[];
  readonly source: Source;
  readonly rank: number;
  readonly tiedTo: string | undefined;
  readonly predictedElements: number;
  readonly tiledElements: number;
  readonly initializedElements: number;
  /** Of those, what a built-in start fills in a prediction's place. */
  readonly startedElements: number;
  readonly view: MatrixView;
  readonly pieces: readonly Piece[];
}

/** What tensors are planned with. */
export interface TensorPlanning {
  readonly graph: ArchitectureGraph;
  readonly widening: Widening | undefined;
  readonly config: HypernetConfig;
  readonly blend: Pick<Blend, 'strength' | 'base'>;
}

/** Plans the graph's parameter at `index`. */
export function planTensor(index: number, planning: TensorPlanning): TensorContent {
  const parameter = planning.graph.parameters[index];
  if (parameter === undefined) throw new Error(`the graph has no parameter ${index}`);
  const planned = plannedBlocks(parameter, index, planning);
  const predicted = planned.filter(({ recipe }) => recipe.kind !== 'fill');
  const predictedElements = predicted.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const tiledElements = predictedElements - predicted.reduce((sum, { distinct }) => sum + distinct, 0);
  const source = sourceOf(parameter, predictedElements, tiledElements);
  const isMade = source !== 'tied' && source !== 'kept';
  // One below the other or side by side: the places of blocks in shortened rows lie between each other.
  const inOrder = [...planned].sort((a, b) => a.row - b.row || a.column - b.column);
  const { blend } = planning;
  const startOf = defaultStart(parameter, planning);
  const pieces = inOrder.map((block): Piece => {
    const { recipe, row, rows, column, columns, stored } = block;
    const { mean, deviation } = startOf(block);
    const base = isLifted(recipe) ? blend.base * deviation : 0;
    return {
      recipe: strengthened(recipe, blend.strength, mean),
      row,
      rows,
      column,
      columns,
      ...(stored && { stored }),
      ...(base > 0 && { base }),
    };
  });
  return {
    name: parameter.name,
    shape: parameter.shape,
    source,
    rank: planned.reduce((most, { rank }) => Math.max(most, rank), 0),
    tiedTo: parameter.tiedTo,
    predictedElements,
    tiledElements,
    initializedElements: isMade ? elementCount(parameter.shape) - predictedElements : 0,
    startedElements: isMade ? startedElements(parameter) : 0,
    view: parameterView(parameter),
    pieces: isMade ? pieces : [],
  };
}

function startedElements(parameter: Parameter): number {
  const { blocks, repetitions = 1 } = parameter;
  const started = blocks.filter((block) => block.started === true);
  return started.reduce((sum, block) => sum + elementCount(blockShape(parameter, block)), 0) * repetitions;
}

/** The default start of each block; nothing where a request has no part of it. */
function defaultStart(
  parameter: Parameter,
  { graph, blend: { strength, base } }: TensorPlanning,
): (block: PlannedBlock) => RuleMoments {
  let momentsOf: ReturnType<typeof defaultMoments> | undefined;
  return ({ recipe, span }) => {
    const isAsked = isLifted(recipe) ? base > 0 : recipe.kind !== 'fill' && strength !== 1;
    if (!isAsked) return { mean: 0, deviation: 0 };
    momentsOf ??= defaultMoments(graph, parameter);
    return momentsOf(span);
  };
}

/** A block, and the entries of the parameter's axis that it is. */
type PlannedBlock = PlannedRecipe & Placement & Pick<Piece, 'stored'> & { readonly span: Span };

function plannedBlocks(parameter: Parameter, index: number, planning: TensorPlanning): PlannedBlock[] {
  const { graph, widening, config } = planning;
  // Rows and columns of no size have nothing to be decoded.
  if (elementCount(parameter.shape) === 0) return [];
  if (widening !== undefined) return repeatedBlocks(parameter, index, widening, config);
  const merged = config.slots > 1 ? parameter : mergeBlocks(parameter);
  const alone = merged.blocks.length === 1 ? merged.blocks[0] : undefined;
  if (alone?.origin.kind === 'prediction' && merged.axis === 0 && merged.repetitions !== undefined) {
    return [cycledBlock(merged, alone, graph, config)];
  }
  const once = new Once();
  const spans = spansOf(merged);
  return placements(merged).flatMap((places, position) => {
    const block = blockOf(merged, position);
    const planned = plannedRecipe(merged, block, graph, config);
    const distinct = once.is(distinctKey(merged, block, config)) ? planned.distinct : 0;
    const rest = { ...storedBlock(merged, block), distinct, span: spanAt(spans, position) };
    return places.map((place) => ({ ...planned, ...place, ...rest }));
  });
}

/** One block that repeats along the first dimension is one piece, whose rows begin again. */
function cycledBlock(
  parameter: Parameter,
  block: Block,
  graph: ArchitectureGraph,
  config: HypernetConfig,
): PlannedBlock {
  const planned = plannedRecipe(parameter, block, graph, config);
  const { recipe } = planned;
  if (recipe.kind === 'fill') throw new Error(`${parameter.name} is not predicted`);
  const baseShape = blockShape(parameter, block);
  const repetition = { shape: viewOf(parameter), baseShape, axis: 0, start: 0, divisor: 1 };
  const { rows, columns } = parameterView(parameter);
  const whole = { row: 0, rows, column: 0, columns, span: { start: 0, length: block.length } };
  return { ...planned, ...whole, recipe: repeatedRecipe(recipe, repetition) };
}

/** What is filled by rule is filled as it is stored. */
function storedBlock(parameter: Parameter, block: Block): Pick<Piece, 'stored'> {
  const { layout, shape } = parameter;
  if (layout === undefined || block.origin.kind === 'initialization') return {};
  return { stored: { shape: blockShape(parameter, block), groups: layoutGroups(shape, layout) } };
}

/** The blocks of a parameter that repeats its base's, each block for itself. */
function repeatedBlocks(
  parameter: Parameter,
  index: number,
  { base, copies, divided }: Widening,
  config: HypernetConfig,
): PlannedBlock[] {
  const narrow = base.parameters[index];
  if (narrow === undefined) throw new Error(`${parameter.name} has no counterpart in the base`);
  const decoded = config.slots > 1 ? narrow : mergeBlocks(narrow);
  const divisor = divided.has(parameter.name) ? copies : 1;
  const once = new Once();
  const spans = spansOf(parameter);
  const [starts, narrowStarts] = [blockStarts(parameter), blockStarts(narrow)];
  return placements(parameter).flatMap((places, position): PlannedBlock[] => {
    const block = blockOf(narrow, position);
    const from = narrowStarts[position] ?? 0;
    const { whole, start } = blockAt(decoded, from % blocksLength(narrow));
    const planned = plannedRecipe(decoded, whole, base, config);
    const { recipe } = planned;
    // Of the wide network: what is added does not repeat.
    const span = spanAt(spans, position);
    if (recipe.kind === 'fill') {
      const repeated = {
        shape: parameter.view ?? parameter.shape,
        base: narrow.view ?? narrow.shape,
        axis: parameter.axis,
        start: starts[position] ?? 0,
        baseStart: from,
        baseLength: block.length,
      };
      return places.map((place) => ({
        ...planned,
        ...place,
        span,
        recipe: repeatedFill(recipe, repeated, divisor),
      }));
    }
    // What is decoded once counts once, whichever of its parts stands here.
    const isFirst = once.is(distinctKey(decoded, whole, config));
    return places.map((place) => ({
      ...planned,
      ...place,
      span,
      distinct: isFirst ? planned.distinct : 0,
      recipe: repeatedRecipe(recipe, {
        shape: blockShape(parameter, blockOf(parameter, position)),
        baseShape: blockShape(narrow, block),
        axis: parameter.axis,
        start,
        divisor,
      }),
    }));
  });
}

function plannedRecipe(
  parameter: Parameter,
  block: Block,
  graph: ArchitectureGraph,
  config: HypernetConfig,
): PlannedRecipe {
  const shape = predictedShape(parameter, block);
  const { origin } = block;
  if (origin.kind === 'initialization') return fillRecipe(origin, parameter.shape, elementCount(shape));
  const nodeShape = graph.nodes[origin.node]?.shape ?? [];
  return predictedRecipe(origin, shape, nodeShape, config, graph.initializerRange);
}

/** The block at a position among those of all repetitions. */
function blockOf({ name, blocks }: Parameter, position: number): Block {
  const block = blocks[position % blocks.length];
  if (block === undefined) throw new Error(`${name} has no blocks`);
  return block;
}

/** The entries of each block of one repetition. */
function spansOf({ blocks }: Parameter): Span[] {
  let end = 0;
  return blocks.map(({ length }) => {
    const start = end;
    end += length;
    return { start, length };
  });
}

/** Those of the block at a position among those of all repetitions. */
function spanAt(spans: readonly Span[], position: number): Span {
  return spans[position % spans.length] ?? NO_SPAN;
}

const NO_SPAN: Span = { start: 0, length: 0 };

/** Entries along the axis of all blocks of one repetition. */
function blocksLength({ blocks }: Parameter): number {
  return blocks.reduce((sum, { length }) => sum + length, 0);
}

/** Where each block of every repetition begins, in entries along the axis. */
function blockStarts({ blocks, repetitions = 1 }: Parameter): number[] {
  let start = 0;
  return Array.from({ length: repetitions }, () => blocks)
    .flat()
    .map(({ length }) => {
      const at = start;
      start += length;
      return at;
    });
}

/** Blocks with the same key have the same values. */
function distinctKey(parameter: Parameter, block: Block, config: HypernetConfig): string {
  const { origin } = block;
  if (origin.kind === 'initialization') return '';
  const { node, role, classifier, slot } = origin;
  return JSON.stringify([node, role, classifier, config.slots > 1 ? slot : 0, blockShape(parameter, block)]);
}

/** Tells whether a key comes for the first time. */
class Once {
  readonly #seen = new Set<string>();

  is(key: string): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** The block with entry `entry` along the parameter's axis, and the entry's position within it. */
function blockAt(parameter: Parameter, entry: number): { whole: Block; start: number } {
  let start = entry;
  for (const whole of parameter.blocks) {
    if (start < whole.length) return { whole, start };
    start -= whole.length;
  }
  throw new Error(`${parameter.name} has no block with entry ${entry}`);
}

function sourceOf(parameter: Parameter, predicted: number, tiled: number): Source {
  if (parameter.tiedTo !== undefined) return 'tied';
  if (parameter.keep === 'always') return 'kept';
  if (predicted === 0) return parameter.keep === undefined ? 'initialized' : 'kept';
  return tiled > 0 ? 'tiled' : 'predicted';
}

/**
 * For a model without slots, neighbouring blocks of one node are one block: the published decoder predicts a fused
 * projection whole.
 */
function mergeBlocks(parameter: Parameter): Parameter {
  const blocks: Block[] = [];
  for (const block of parameter.blocks) {
    const last = blocks.at(-1);
    if (
      last?.origin.kind === 'prediction' &&
      block.origin.kind === 'prediction' &&
      last.origin.node === block.origin.node &&
      last.origin.role === block.origin.role
    ) {
      blocks[blocks.length - 1] = { length: last.length + block.length, origin: last.origin };
    } else {
      blocks.push(block);
    }
  }
  return { ...parameter, blocks };
}
