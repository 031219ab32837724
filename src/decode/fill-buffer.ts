/** Fills the buffer of a job. Runs in a worker thread. */

import { crc32 } from '../checksum/crc32';
import type { HypernetConfig } from '../hypernet/manifest';
import type { BundleSessions, Factors } from '../hypernet/sessions';
import { convert, ElementWriter, writeElements } from '../narrowing/convert';
import { coreRows } from '../plan/core';
import type { FillRecipe } from '../plan/recipe';
import { boundsOf, crop, isWhole } from '../plan/runs';
import { fitsStrip, makeStrips } from '../product/strips';
import { decodePart } from './decode';
import { matrixRows, type ProductRows } from './decode-low-rank';
import { isExchanged, transposedRows } from './decode-stored';
import { fillByRule } from './decode-by-rule';
import type { FactorStore } from './factor-store';
import { decodeFactors } from './factors';
import { liftPart, noiseDeviation } from './lift';
import { needOf } from './need';
import { needsOf } from './needs';
import { scaleOf } from './scale';
import type { ScaleStore } from './scale-store';
import type { StreamKey } from '../random/random';
import { Tile } from './tile';
import type { DecodeContext, TilePart } from './tile-part';
import type { CoreItem, CoreItemBlock, FactorsItem, FillItem, FillJob, TileItem } from './worker-protocol';
import type { WorkerScratch } from './worker-scratch';

/** Bytes of factors that are made ahead of the items that need them, at most, but for one item's. */
const FACTOR_BYTES = 8 * 2 ** 20;

/** A model that the worker holds. */
export interface LoadedModel {
  readonly sessions: BundleSessions;
  readonly config: HypernetConfig;
}

/** What a worker keeps from job to job. */
export interface WorkerMemory {
  readonly factors: FactorStore;
  readonly scales: ScaleStore;
  readonly scratch: WorkerScratch;
}

interface TileContext extends LoadedModel, WorkerMemory {
  readonly requestKey: string;
}

interface FillContext extends TileContext {
  readonly buffer: SharedArrayBuffer;
  /** The core rows of the job's blocks. */
  readonly cores: ReadonlyMap<CoreItemBlock, Factors>;
}

/** Fills the job's buffer; the CRC-32 of what each item wrote. */
export async function fillBuffer(job: FillJob, model: LoadedModel, memory: WorkerMemory): Promise<number[]> {
  const { requestKey, buffer, items: all } = job;
  const context = { ...model, ...memory, requestKey, buffer, cores: await coresOf(all, model) };
  const sums: number[] = [];
  for (const { items, needs } of groupsOf(job, model.config)) {
    await memory.factors.load(needs, (missing) => decodeFactors(missing, model.sessions, model.config));
    for (const item of items) sums.push(await fillItem(item, context));
  }
  return sums;
}

/** Items whose factors fit at a time. */
function* groupsOf({ items, requestKey }: FillJob, { rank }: HypernetConfig) {
  let group: FillItem[] = [];
  let needs: ReturnType<typeof needsOf> = [];
  let bytes = 0;
  for (const item of items) {
    const more = needsOf(item, requestKey);
    const moreBytes = more.reduce((sum, { a, b }) => sum + (a.count + b.count) * rank * 4, 0);
    if (group.length > 0 && bytes + moreBytes > FACTOR_BYTES) {
      yield { items: group, needs };
      [group, needs, bytes] = [[], [], 0];
    }
    group.push(item);
    needs.push(...more);
    bytes += moreBytes;
  }
  if (group.length > 0) yield { items: group, needs };
}

/** The core rows of all blocks that are sent as such, decoded at once. */
async function coresOf(
  items: readonly FillItem[],
  { sessions, config }: LoadedModel,
): Promise<ReadonlyMap<CoreItemBlock, Factors>> {
  const blocks = items.flatMap((item) =>
    item.kind === 'core' ? item.blocks.flatMap((block) => (block.kind === 'product' ? [block] : [])) : [],
  );
  const cores = await sessions.cores(
    blocks.map(({ embedding, slot, m, n }) => ({
      embedding,
      slot,
      rowsA: coreRows(m, config),
      rowsB: coreRows(n, config),
    })),
  );
  return new Map(blocks.map((block, index) => [block, cores[index] as Factors]));
}

/** The CRC-32 of the bytes written. */
async function fillItem(item: FillItem, context: FillContext): Promise<number> {
  const target = new Uint8Array(context.buffer, item.at);
  switch (item.kind) {
    case 'tile':
      return writeTile(item, target, context);
    case 'factors':
      return writeElements(scaledFactors(item, context), target, 'f32');
    case 'core':
      return crc32(await writeCore(item, context));
  }
}

/** The CRC-32 of the bytes written. */
async function writeTile(item: TileItem, target: Uint8Array, fill: FillContext): Promise<number> {
  const writer = new ElementWriter(target, item.elementType);
  const products = await wholeProducts(item, contextOf(item.stream, fill));
  if (products === undefined) {
    writer.write(await decodeTile(item, fill));
    return writer.crc32;
  }
  for (const { left, right, rows } of products) {
    makeStrips(left, rows, right, fill.config.rank, writer.place, (elements) => {
      writer.made(elements);
    });
  }
  return writer.crc32;
}

/** The products that a tile is, one behind the other, where it is nothing else, all of it is wanted, and strips can be made of it. */
async function wholeProducts(
  { parts, rows, columns, wanted, noise }: TileItem,
  context: DecodeContext,
): Promise<(ProductRows & { readonly rows: number })[] | undefined> {
  if (!context.sessions.hasOwnProducts || noise !== undefined || !fitsStrip(columns)) return undefined;
  if (!isWhole(wanted, rows * columns)) return undefined;
  const products: (ProductRows & { readonly rows: number })[] = [];
  let row = 0;
  for (const part of parts) {
    const { recipe, stored } = part;
    if (recipe.kind !== 'matrix' || recipe.cycles?.columns !== undefined) return undefined;
    if (part.row !== row || part.columns !== columns) return undefined;
    const isPlain = stored === undefined ? recipe.n === columns : isExchanged(recipe, stored);
    if (!isPlain) return undefined;
    const product = await (stored === undefined ? matrixRows : transposedRows)(recipe, part, context);
    if (product.columns !== columns) return undefined;
    products.push({ ...product, rows: part.rows });
    row += part.rows;
  }
  return row === rows ? products : undefined;
}

/** What is wanted of one tile, valid until the next is decoded. */
export async function decodedTile(
  tile: TileItem,
  requestKey: string,
  model: LoadedModel,
  memory: WorkerMemory,
): Promise<Float32Array> {
  const needs = needsOf(tile, requestKey);
  await memory.factors.load(needs, (missing) => decodeFactors(missing, model.sessions, model.config));
  return decodeTile(tile, { ...model, ...memory, requestKey });
}

async function decodeTile(
  { noise, wanted, rows, columns, stream, parts }: TileItem,
  tileContext: TileContext,
): Promise<Float32Array> {
  const tile = new Tile(tileContext.scratch.tile, rows, columns);
  const bounds = boundsOf(wanted, { rows, columns });
  const context = contextOf(stream, tileContext);
  for (const part of parts) {
    await decodePart(part, context, tile);
    if (noise !== undefined) await liftPart(part, noise, bounds, context, tile.values, columns);
  }
  return crop(tile.values, wanted);
}

function contextOf(
  stream: StreamKey,
  { sessions, config, factors, scales, scratch, requestKey }: TileContext,
): DecodeContext {
  return { sessions, factors, scales, rank: config.rank, sizes: config, requestKey, stream, scratch };
}

function scaledFactors(
  item: FactorsItem,
  { config, factors, scratch, requestKey }: FillContext,
): Float32Array {
  const { rank } = config;
  const values = scratch.tile.take(
    item.blocks.reduce((sum, { recipe: { m, n } }) => sum + (m + n) * rank, 0),
  );
  let at = 0;
  for (const { embedding, recipe, transposed } of item.blocks) {
    const { a, b } = keptFactors(needOf(recipe, embedding, requestKey)?.key, factors);
    const scale = scaleOf(recipe, { a, b }, rank);
    const putA = (): void => {
      for (let index = 0; index < a.length; index++) values[at + index] = (a[index] as number) * scale;
      at += a.length;
    };
    const putB = (): void => {
      values.set(b, at);
      at += b.length;
    };
    for (const put of transposed ? [putB, putA] : [putA, putB]) put();
  }
  return values;
}

function keptFactors(key: string | undefined, factors: FactorStore): Factors {
  const kept = key === undefined ? undefined : factors.get(key);
  if (kept === undefined) throw new Error(`the factors ${key} were not made`);
  return kept;
}

async function writeCore(item: CoreItem & FillItem, fill: FillContext): Promise<Uint8Array> {
  const { config, cores, factors, scratch, requestKey, buffer } = fill;
  const bytes = new Uint8Array(buffer);
  let end = item.at;
  const append = (values: Float32Array | Float64Array | Uint16Array | Uint32Array): void => {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), end);
    end += values.byteLength;
  };
  for (const block of item.blocks) {
    switch (block.kind) {
      case 'product': {
        const { scaled, embedding, noise } = block;
        const { a, b } = cores.get(block) as Factors;
        if (scaled !== undefined) {
          const { scale } = scaled;
          const key = needOf(scaled, embedding, requestKey)?.key;
          append(
            Float64Array.of(
              typeof scale === 'number' ? scale : scaleOf(scaled, keptFactors(key, factors), config.rank),
            ),
          );
        }
        if (noise !== undefined) {
          const context = contextOf(item.stream, fill);
          append(Float64Array.of(await noiseDeviation(noise, noise.of.recipe, noise.of, context)));
          append(Uint32Array.from(noise.stream));
        }
        append(a);
        append(b);
        break;
      }
      case 'rule':
        append(Uint32Array.from(item.stream));
        break;
      case 'constant':
        append(Float32Array.of(block.value));
        break;
      case 'elements':
        append(elementsOf(block.part, item, scratch));
        break;
    }
  }
  return bytes.subarray(item.at, end);
}

/** The elements of a part by rule, row-major and close together. */
function elementsOf(
  part: TilePart & { readonly recipe: FillRecipe },
  { stream, columns, elementType }: CoreItem,
  scratch: WorkerScratch,
): Float32Array | Uint16Array {
  const tile = scratch.tile.take(part.rows * columns);
  fillByRule(part.recipe, part, stream, tile, columns);
  const runs = { start: part.column, length: part.columns, count: part.rows, stride: columns };
  const values = crop(tile, { runs, first: 0 });
  if (elementType === 'f32') return values;
  const narrow = new Uint16Array(values.length);
  convert(values, narrow, elementType);
  return narrow;
}
