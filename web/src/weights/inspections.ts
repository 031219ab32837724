/** What tensors look like, asked for once. */

import { service } from '../contract/client';
import { keyOf, requestOf, type Wanted } from '../state/requests';
import type { Settings } from '../state/app-state';
import type { Source } from '../state/source';
import type { TensorInspection } from '../../../src/gen/es/logah/v1/logah_pb';

/** What to look at. */
export interface Look {
  readonly bins?: number;
  readonly low?: number;
  readonly high?: number;
  readonly rows?: number;
  readonly columns?: number;
  readonly singularValues?: number;
  readonly slice?: Wanted['slice'];
}

/** Cells of a picture in numbers, row-major. */
export interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly matrixRows: number;
  readonly matrixColumns: number;
  readonly means: Float32Array;
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
}

/** Inspections that are kept, about a megabyte each. */
const KEPT = 96;

const kept = new Map<string, Promise<TensorInspection>>();

/** Looks at one tensor. Rejects with ConnectError. */
export function inspect(
  source: Source,
  settings: Settings,
  tensor: string,
  look: Look,
): Promise<TensorInspection> {
  const key = `${keyOf(source, settings)}/${tensor}/${JSON.stringify(look)}`;
  const known = kept.get(key);
  if (known !== undefined) {
    // The most recently used come last.
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const asked = ask(source, settings, tensor, look);
  kept.set(key, asked);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
  asked.catch(() => kept.delete(key));
  return asked;
}

async function ask(
  source: Source,
  settings: Settings,
  tensor: string,
  look: Look,
): Promise<TensorInspection> {
  const { bins = 0, low, high, rows = 0, columns = 0, singularValues = 0, slice } = look;
  const messages = service.inspectTensors({
    request: requestOf(source, settings, { tensors: [tensor], slice }),
    histogramBins: bins,
    ...(low !== undefined && { histogramLow: low }),
    ...(high !== undefined && { histogramHigh: high }),
    pictureRows: rows,
    pictureColumns: columns,
    singularValues,
  });
  let found: TensorInspection | undefined;
  for await (const message of messages) {
    if (message.tensor?.name === tensor) found = message.tensor;
  }
  if (found === undefined) throw new Error(`the server did not look at ${tensor}`);
  return found;
}

/** The cells of an inspection's picture; undefined where it has none. */
export function cellsOf({ picture }: TensorInspection): Cells | undefined {
  if (picture === undefined) return undefined;
  return {
    rows: picture.rows,
    columns: picture.columns,
    matrixRows: Number(picture.matrixRows),
    matrixColumns: Number(picture.matrixColumns),
    means: floatsOf(picture.means),
    minima: floatsOf(picture.minima),
    maxima: floatsOf(picture.maxima),
  };
}

/** Float32 numbers, little-endian as on every machine that browsers run on, from bytes that may lie anywhere. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
