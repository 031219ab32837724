/** What tensors look like, as messages of the contract. */

import { logahService } from '../../contract/proto-definition';
import { firstEntry } from '../../decode/inspection/tally';
import { standardDeviation } from '../../decode/moments';
import type { Histogram } from '../../gen/logah/v1/Histogram';
import type { InspectTensorsResponse } from '../../gen/logah/v1/InspectTensorsResponse';
import type { Picture } from '../../gen/logah/v1/Picture';
import type { Spectrum } from '../../gen/logah/v1/Spectrum';
import type { Inspection } from '../../stream/inspections';
import { framed, FramedMessage } from './framing';

/** The message for one of so many tensors, framed; of its singular values the `most` largest. */
export function framedInspection(inspection: Inspection, most: number, tensors: number): FramedMessage {
  const message = { ...inspectionMessage(inspection, most), tensors };
  return new FramedMessage(framed(logahService.InspectTensors.responseSerialize(message)));
}

function inspectionMessage(inspection: Inspection, most: number): InspectTensorsResponse {
  const { tensor, box, elements, tally, picture, spectrum } = inspection;
  const place = { name: tensor.name, start: [...box.start], shape: [...box.shape], elements };
  if (tally === undefined) return { tensor: place };
  const { moments, minimum, maximum, zeros, bins } = tally;
  return {
    tensor: {
      ...place,
      minimum,
      maximum,
      mean: moments.mean,
      standardDeviation: moments.count > 1 ? standardDeviation(moments) : 0,
      zeros,
      histogram: bins ? histogramMessage(bins) : null,
      picture: picture ? pictureMessage(picture) : null,
      spectrum: spectrum ? spectrumMessage(spectrum, most) : null,
    },
  };
}

function histogramMessage({
  low,
  high,
  counts,
  below,
  above,
}: NonNullable<NonNullable<Inspection['tally']>['bins']>): Histogram {
  return { low, high, counts: [...counts], below, above };
}

function pictureMessage({ grid, cells }: NonNullable<Inspection['picture']>): Picture {
  const { rows, columns, cellRows, cellColumns } = grid;
  const height = (row: number): number =>
    firstEntry(row + 1, rows, cellRows) - firstEntry(row, rows, cellRows);
  const width = (column: number): number =>
    firstEntry(column + 1, columns, cellColumns) - firstEntry(column, columns, cellColumns);
  const means = Float32Array.from(
    cells.sums,
    (sum, cell) => sum / (height(Math.floor(cell / cellColumns)) * width(cell % cellColumns)),
  );
  return {
    rows: cellRows,
    columns: cellColumns,
    matrixRows: rows,
    matrixColumns: columns,
    means: bytesOf(means),
    minima: bytesOf(cells.minima),
    maxima: bytesOf(cells.maxima),
  };
}

function spectrumMessage(
  { values, rank, squares }: NonNullable<Inspection['spectrum']>,
  most: number,
): Spectrum {
  return { values: [...values.subarray(0, Math.min(most, rank))], rank, squares };
}

/** Every platform that this runs on is little-endian. */
function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
