/** What one tensor of the plan is made of: its pieces, their recipes, and the counts that the plan tells of them. */

import { blockShape, elementCount, type ArchitectureGraph, type Block, type Parameter } from '../graph/graph';
import { layoutGroups, predictedShape } from '../graph/layout';
import type { Widening } from '../graph/widening';
import type { HypernetConfig } from '../hypernet/manifest';
import { matrixView, placements, type MatrixView, type Placement } from './layout';
import type { Recipe, Stored } from './recipe';
import { fillRecipe, predictedRecipe, type PlannedRecipe } from './recipe-for';
import { repeatedFill, repeatedRecipe } from './repeated-recipe';

/** Where a tensor's values come from; see `Source` in the contract. */
export type Source = 'predicted' | 'tiled' | 'initialized' | 'tied';

/** A piece of a tensor: a block in the tensor's matrix view. */
export interface Piece extends Placement {
  readonly recipe: Recipe;
  /** Undefined: the recipe's own order of elements. */
  readonly stored?: Stored | undefined;
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
  readonly view: MatrixView;
  readonly pieces: readonly Piece[];
}

/** What tensors are planned with. */
export interface TensorPlanning {
  readonly graph: ArchitectureGraph;
  readonly widening: Widening | undefined;
  readonly config: HypernetConfig;
}

/** Plans the graph's parameter at `index`. */
export function planTensor(index: number, planning: TensorPlanning): TensorContent {
  const parameter = planning.graph.parameters[index];
  if (parameter === undefined) throw new Error(`the graph has no parameter ${index}`);
  const planned = plannedBlocks(parameter, index, planning);
  const predicted = planned.filter(({ recipe }) => recipe.kind !== 'fill');
  const predictedElements = predicted.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const tiledElements = predictedElements - predicted.reduce((sum, { distinct }) => sum + distinct, 0);
  return {
    name: parameter.name,
    shape: parameter.shape,
    source: sourceOf(parameter, predictedElements, tiledElements),
    rank: planned.reduce((most, { rank }) => Math.max(most, rank), 0),
    tiedTo: parameter.tiedTo,
    predictedElements,
    tiledElements,
    initializedElements:
      parameter.tiedTo === undefined ? elementCount(parameter.shape) - predictedElements : 0,
    view: matrixView(parameter.shape),
    pieces: planned.map(({ recipe, row, rows, column, columns, stored }) => ({
      ...{ recipe, row, rows, column, columns },
      ...(stored && { stored }),
    })),
  };
}

type PlannedBlock = PlannedRecipe & Placement & Pick<Piece, 'stored'>;

function plannedBlocks(parameter: Parameter, index: number, planning: TensorPlanning): PlannedBlock[] {
  const { graph, widening, config } = planning;
  if (widening !== undefined) return repeatedBlocks(parameter, index, widening, config);
  const merged = config.slots > 1 ? parameter : mergeBlocks(parameter);
  const places = placements(merged);
  return merged.blocks.map((block, position) => ({
    ...plannedRecipe(merged, block, graph, config),
    ...placeOf(places, position),
    ...storedBlock(merged, block),
  }));
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
  const [places, narrowPlaces] = [placements(parameter), placements(narrow)];
  const divisor = divided.has(parameter.name) ? copies : 1;
  let from = 0;
  return narrow.blocks.map((block, position) => {
    const { whole, start } = blockAt(decoded, from);
    from += block.length;
    const place = placeOf(places, position);
    const planned = plannedRecipe(decoded, whole, base, config);
    const { recipe } = planned;
    if (recipe.kind === 'fill') {
      const { columns } = matrixView(narrow.shape);
      const repeated = { ...placeOf(narrowPlaces, position), tensorColumns: columns };
      return { ...planned, ...place, recipe: repeatedFill(recipe, repeated, divisor) };
    }
    const wide = parameter.shape.map((size, axis) =>
      axis === parameter.axis ? (parameter.blocks[position]?.length ?? size) : size,
    );
    return {
      ...planned,
      ...place,
      // What is decoded once counts once, whichever of its parts stands here.
      distinct: start === 0 ? planned.distinct : 0,
      recipe: repeatedRecipe(recipe, {
        shape: wide,
        baseShape: blockShape(narrow, block),
        axis: parameter.axis,
        start,
        divisor,
      }),
    };
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
  if (origin.kind === 'initialization') return fillRecipe(origin, elementCount(shape));
  const nodeShape = graph.nodes[origin.node]?.shape ?? [];
  return predictedRecipe(origin, shape, nodeShape, config, graph.initializerRange);
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

function placeOf(places: readonly Placement[], position: number): Placement {
  const place = places[position];
  if (place === undefined) throw new Error(`block ${position} has no place`);
  return place;
}

function sourceOf(parameter: Parameter, predicted: number, tiled: number): Source {
  if (parameter.tiedTo !== undefined) return 'tied';
  if (predicted === 0) return 'initialized';
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
