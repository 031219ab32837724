/** Looks at a plan's tensors tile by tile, in order, a bounded number of tiles ahead. */

import { abortError } from '../errors';
import type { DecodePool } from '../decode/decode-pool';
import { lowRankPieces, type SpectrumValues } from '../decode/inspection/spectrum';
import {
  addCells,
  emptyCells,
  joinTallies,
  type BinRange,
  type CellGrid,
  type Cells,
  type Tally,
} from '../decode/inspection/tally';
import type { SpectrumJob, TallyJob } from '../decode/worker-protocol';
import { elementCount } from '../graph/graph';
import { matrixView } from '../plan/layout';
import type { PlannedTensor } from '../plan/planned-tensor';
import type { Box } from '../plan/slicing';
import { noiseOf, tileItemsOf, type StreamablePlan } from './tile-jobs';

/** What to look at. */
export interface InspectionSettings {
  readonly bins: number;
  readonly range: BinRange | undefined;
  /** Largest picture. */
  readonly picture: { readonly rows: number; readonly columns: number } | undefined;
  readonly singularValues: number;
}

/** What a tensor looks like. */
export interface Inspection {
  readonly tensor: PlannedTensor;
  readonly box: Box;
  readonly elements: number;
  /** Undefined where there are no elements. */
  readonly tally: Tally | undefined;
  readonly picture: { readonly grid: CellGrid; readonly cells: Cells } | undefined;
  readonly spectrum: SpectrumValues | undefined;
}

/** What computes, and how far ahead. */
export interface InspectionOptions {
  readonly pool: Pick<DecodePool, 'tally' | 'spectrum'>;
  readonly tilesAhead: number;
  readonly requestKey: string;
  readonly signal: AbortSignal;
  /** Whose turns the jobs take. */
  readonly caller: string;
}

/** Looks at every tensor that is sent. After the signal aborts, no further tile is started and its reason is thrown. */
export async function* inspectTensors(
  plan: StreamablePlan,
  embeddings: Float32Array,
  settings: InspectionSettings,
  options: InspectionOptions,
): AsyncGenerator<Inspection, void, undefined> {
  for (const tensor of plan.tensors) {
    if (tensor.box !== undefined)
      yield await inspect(plan, embeddings, tensor, tensor.box, settings, options);
  }
}

async function inspect(
  plan: StreamablePlan,
  embeddings: Float32Array,
  tensor: PlannedTensor,
  box: Box,
  settings: InspectionSettings,
  options: InspectionOptions,
): Promise<Inspection> {
  const elements = elementCount(box.shape);
  const { bins, range } = settings;
  const grid = settings.picture && gridOf(box, settings.picture);
  const cells = grid && emptyCells(0, grid.cellRows, grid.cellColumns);
  const jobs = [...tallyJobs(plan, embeddings, tensor, options.requestKey)];
  // The range of a tensor of several tiles is known only when all of them have been looked at.
  const isLater = bins > 0 && range === undefined && jobs.length > 1;
  const request = { bins: isLater ? 0 : bins, range, grid };
  let tally = await total(jobs, request, options, (part) => {
    if (cells && part.cells) addCells(cells, part.cells, grid.cellColumns);
  });
  if (isLater && tally !== undefined) {
    const own = { low: tally.minimum, high: tally.maximum };
    const again = await total(jobs, { bins, range: own, grid: undefined }, options, () => undefined);
    tally = { ...tally, bins: again?.bins };
  }
  const spectrum =
    settings.singularValues > 0 && noiseOf(plan, tensor) === undefined
      ? await spectrumOf(plan, embeddings, tensor, options)
      : undefined;
  return { tensor, box, elements, tally, picture: grid && cells && { grid, cells }, spectrum };
}

type UnboundTally = Pick<TallyJob, 'model' | 'requestKey' | 'tile' | 'first'>;

function* tallyJobs(
  plan: StreamablePlan,
  embeddings: Float32Array,
  tensor: PlannedTensor,
  requestKey: string,
): Generator<UnboundTally, void, undefined> {
  const model = plan.bundle.fingerprint;
  let first = 0;
  for (const { item, elements } of tileItemsOf(plan, embeddings, tensor)) {
    yield { model, requestKey, tile: item, first };
    first += elements;
  }
}

/** The tally of all jobs together, in their order; `each` sees every part. */
async function total(
  jobs: readonly UnboundTally[],
  request: TallyJob['request'],
  { pool, tilesAhead, signal, caller }: InspectionOptions,
  each: (tally: Tally) => void,
): Promise<Tally | undefined> {
  const ahead: Promise<Tally>[] = [];
  let next = 0;
  let sum: Tally | undefined;
  while (next < jobs.length || ahead.length > 0) {
    if (signal.aborted) throw abortError(signal);
    for (const job of jobs.slice(next, next + tilesAhead - ahead.length)) {
      const counting = pool.tally({ ...job, kind: 'tally', request }, signal, caller);
      // An early failure is reported when its turn comes, not as an unhandled rejection.
      counting.catch(() => undefined);
      ahead.push(counting);
      next++;
    }
    const part = await (ahead.shift() as Promise<Tally>);
    each(part);
    sum = sum === undefined ? part : joinTallies(sum, part);
  }
  return sum;
}

function spectrumOf(
  plan: StreamablePlan,
  embeddings: Float32Array,
  tensor: PlannedTensor,
  { pool, signal, caller }: InspectionOptions,
): Promise<SpectrumValues | undefined> {
  const { hypernet } = plan.bundle.manifest;
  const pieces = lowRankPieces(tensor, hypernet.rank);
  if (pieces === undefined) return Promise.resolve(undefined);
  const { hid } = hypernet;
  const job: SpectrumJob = {
    kind: 'spectrum',
    model: plan.bundle.fingerprint,
    pieces: pieces.map((piece) => ({
      ...piece,
      embedding: embeddings.slice(piece.recipe.node * hid, (piece.recipe.node + 1) * hid),
    })),
    ...tensor.view,
  };
  return pool.spectrum(job, signal, caller);
}

/** A vector is drawn as one row. */
function gridOf(box: Box, most: { readonly rows: number; readonly columns: number }): CellGrid | undefined {
  if (elementCount(box.shape) === 0) return undefined;
  const { rows, columns } =
    box.shape.length < 2 ? { rows: 1, columns: elementCount(box.shape) } : matrixView(box.shape);
  return { rows, columns, cellRows: Math.min(rows, most.rows), cellColumns: Math.min(columns, most.columns) };
}
