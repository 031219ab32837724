/** Cuts a plan's data into jobs for the decode workers. */

import { bytesPerElement } from '../element-type';
import type { Bundle } from '../hypernet/bundle';
import type { Manifest } from '../hypernet/manifest';
import type { CoreBlock, ProductBlock } from '../plan/core';
import type { DataRange } from '../plan/data-range';
import type { FactorPiece } from '../plan/factors';
import type { PredictionPlan } from '../plan/plan';
import { tilesOf, type PlannedTensor } from '../plan/planned-tensor';
import { isNoisyPiece } from '../plan/blend/lifted';
import { streamKey } from '../random/random';
import type { Noise } from '../decode/lift';
import type { ScaledRecipe } from '../plan/recipe';
import { TILE_ELEMENTS, type Tile } from '../plan/tile';
import type { TilePart } from '../decode/tile-part';
import type { CoreItem, CoreItemBlock, FactorsItem, FillItem, TileItem } from '../decode/worker-protocol';

/**
 * Small tensors share a job, since a job costs more than decoding them: until they have these bytes, a quarter of a
 * full tile, or are so many.
 */
const SHARED_JOB_BYTES = TILE_ELEMENTS;
const SHARED_JOB_ITEMS = 32;

/** What streaming needs of a plan; its tensors are looked at once, in order. */
export interface StreamablePlan extends Pick<PredictionPlan, 'seed' | 'lift' | 'elementType'> {
  readonly bundle: Pick<Bundle, 'fingerprint'> & { readonly manifest: Pick<Manifest, 'hypernet'> };
  readonly tensors: Iterable<PlannedTensor>;
}

/** What one item of a job writes. */
export interface PlannedItem {
  readonly tensor: PlannedTensor;
  readonly item: FillItem;
  readonly bytes: number;
}

/** What one job writes: items one after the other, `bytes` in all. */
export interface PlannedJob {
  readonly items: readonly PlannedItem[];
  readonly bytes: number;
}

/** The jobs for what is sent of the plan's tensors, in order; tensors outside the range are left out. */
export function* plannedJobs(
  plan: StreamablePlan,
  embeddings: Float32Array,
  range: DataRange,
): Generator<PlannedJob, void, undefined> {
  let items: PlannedItem[] = [];
  let end = 0;
  for (const { tensor, item, bytes } of itemsOf(plan, embeddings, range)) {
    if (items.length > 0 && (end + bytes > SHARED_JOB_BYTES || items.length === SHARED_JOB_ITEMS)) {
      yield { items, bytes: end };
      items = [];
      end = 0;
    }
    items.push({ tensor, item: { ...item, at: end }, bytes });
    // Float32 must be aligned, and may follow narrower elements.
    end += Math.ceil(bytes / 4) * 4;
  }
  if (items.length > 0) yield { items, bytes: end };
}

interface Unplaced {
  readonly tensor: PlannedTensor;
  readonly item: TileItem | FactorsItem | CoreItem;
  readonly bytes: number;
}

function* itemsOf(
  plan: StreamablePlan,
  embeddings: Float32Array,
  { start, end }: DataRange,
): Generator<Unplaced, void, undefined> {
  const { hid } = plan.bundle.manifest.hypernet;
  for (const tensor of plan.tensors) {
    if (!tensor.sent || tensor.offset + tensor.bytes <= start || tensor.offset >= end) continue;
    if (tensor.factors !== undefined) {
      yield { tensor, item: factorsItem(tensor.factors, embeddings, hid), bytes: tensor.bytes };
      continue;
    }
    if (tensor.core !== undefined) {
      const { columns } = tensor.view;
      const stream = streamKey(plan.seed, tensor.name);
      const noise = noiseOf(plan, tensor);
      const blocks = tensor.core.map((block) => coreBlock(block, columns, embeddings, hid, noise));
      const item: CoreItem = { kind: 'core', stream, elementType: plan.elementType, columns, blocks };
      yield { tensor, item, bytes: tensor.bytes };
      continue;
    }
    for (const { item, elements } of tileItemsOf(plan, embeddings, tensor)) {
      yield { tensor, item, bytes: elements * bytesPerElement(plan.elementType) };
    }
  }
}

/** The tiles that hold what is sent of a tensor, and how many of the elements of each are. */
export function* tileItemsOf(
  plan: Omit<StreamablePlan, 'tensors'>,
  embeddings: Float32Array,
  tensor: PlannedTensor,
): Generator<{ readonly item: TileItem; readonly elements: number }, void, undefined> {
  const { hid } = plan.bundle.manifest.hypernet;
  const { columns } = tensor.view;
  const stream = streamKey(plan.seed, tensor.name);
  const noise = noiseOf(plan, tensor);
  for (const tile of tilesOf(tensor)) {
    const item: TileItem = {
      kind: 'tile',
      stream,
      elementType: plan.elementType,
      rows: tile.rows,
      columns,
      parts: partsOf(tensor, tile, embeddings, hid),
      wanted: { runs: tensor.runs, first: tile.row * columns },
      noise,
    };
    yield { item, elements: tile.elements };
  }
}

/** What is added to a tensor; undefined: nothing. */
export function noiseOf(
  { lift, seed }: Pick<StreamablePlan, 'lift' | 'seed'>,
  { name, pieces }: PlannedTensor,
): Noise | undefined {
  const isNoisy = pieces.some((piece) => isNoisyPiece(piece, lift));
  return isNoisy ? { lift, stream: streamKey(seed, name, 'lift') } : undefined;
}

function factorsItem(factors: readonly FactorPiece[], embeddings: Float32Array, hid: number): FactorsItem {
  const blocks = factors.map(({ recipe, transposed }) => {
    const embedding = embeddings.slice(recipe.node * hid, (recipe.node + 1) * hid);
    return { embedding, recipe, transposed };
  });
  return { kind: 'factors', blocks };
}

function coreBlock(
  block: CoreBlock,
  tensorColumns: number,
  embeddings: Float32Array,
  hid: number,
  noise: Noise | undefined,
): CoreItemBlock {
  switch (block.layout) {
    case 'constant':
      return { kind: 'constant', value: block.value };
    case 'rule':
      return { kind: 'rule' };
    case 'elements': {
      const { recipe, row, rows, column, columns } = block;
      const element = row * tensorColumns + column;
      const place = { row: 0, column, rows, columns, pieceRow: 0, pieceRows: rows, element };
      return { kind: 'elements', part: { ...place, recipe, embedding: new Float32Array(0) } };
    }
    case 'matrix':
    case 'transposed_matrix':
    case 'kernel':
    case 'positions':
    case 'norm_weight':
    case 'bias': {
      const { node, slot, m, n, scaled } = block;
      const embedding = embeddings.slice(node * hid, (node + 1) * hid);
      const isLifted = noise !== undefined && scaled !== undefined && block.lifted === true;
      return {
        kind: 'product',
        embedding,
        slot,
        m,
        n,
        scaled,
        noise: isLifted ? { ...noise, of: decodedPart(block, scaled, embedding) } : undefined,
      };
    }
  }
}

/** A whole block in the order in which it is decoded, which its deviation is taken of. */
function decodedPart(
  { layout, rows, columns, base }: CoreBlock & ProductBlock,
  recipe: ScaledRecipe,
  embedding: Float32Array,
): TilePart & { readonly recipe: ScaledRecipe } {
  const [first, second] = layout === 'transposed_matrix' ? [columns, rows] : [rows, columns];
  const place = {
    row: 0,
    column: 0,
    rows: first,
    columns: second,
    pieceRow: 0,
    pieceRows: first,
    element: 0,
  };
  return { ...place, recipe, embedding, base };
}

/** The parts of a tensor's pieces that lie within a tile. */
export function partsOf(
  tensor: PlannedTensor,
  tile: Tile,
  embeddings: Float32Array,
  hid: number,
): TilePart[] {
  const parts: TilePart[] = [];
  for (const { recipe, row, rows, column, columns, stored, base } of tensor.pieces) {
    const first = Math.max(row, tile.row);
    const last = Math.min(row + rows, tile.row + tile.rows);
    if (first >= last) continue;
    parts.push({
      recipe,
      row: first - tile.row,
      column,
      rows: last - first,
      columns,
      pieceRow: first - row,
      pieceRows: rows,
      ...(stored && { stored }),
      ...(base !== undefined && { base }),
      element: first * tensor.view.columns + column,
      embedding:
        recipe.kind === 'fill'
          ? new Float32Array(0)
          : embeddings.slice(recipe.node * hid, (recipe.node + 1) * hid),
    });
  }
  return parts;
}
