/** Reads the fields of an InspectTensors request that are not the prediction's own. */

import { invalidField, invalidFields, type FieldViolation } from '../../errors';
import type { InspectTensorsRequest__Output } from '../../gen/logah/v1/InspectTensorsRequest';
import type { PredictRequest__Output } from '../../gen/logah/v1/PredictRequest';

/** Limits of the contract. */
const MAX_TENSORS = 256;
const MAX_BINS = 1024;
const MAX_CELLS = 1024;
const MAX_SINGULAR_VALUES = 256;

/** What to look at. */
export interface InspectionOptions {
  /** 0: no histograms. */
  readonly bins: number;
  /** Undefined: each tensor's own. */
  readonly range: { readonly low: number; readonly high: number } | undefined;
  /** Largest picture; undefined: none. */
  readonly picture: { readonly rows: number; readonly columns: number } | undefined;
  /** 0: none. */
  readonly singularValues: number;
}

/** What a server looks at for a call. */
export interface PlannedInspection extends InspectionOptions {
  /** How many tensors. */
  readonly tensors: number;
}

/** Validates the options. Throws LogahError (invalid_argument) with a violation for each wrong field. */
export function readInspection(message: InspectTensorsRequest__Output): InspectionOptions {
  const { histogramBins, histogramLow, histogramHigh, pictureRows, pictureColumns, singularValues } = message;
  const violations: FieldViolation[] = [];
  const most = (field: string, value: number, limit: number): void => {
    if (value > limit) violations.push({ field, description: `is ${value}; at most ${limit} is allowed` });
  };
  most('histogram_bins', histogramBins, MAX_BINS);
  most('picture_rows', pictureRows, MAX_CELLS);
  most('picture_columns', pictureColumns, MAX_CELLS);
  most('singular_values', singularValues, MAX_SINGULAR_VALUES);
  if (pictureRows > 0 && pictureColumns === 0) {
    const description = `is 0 where picture_rows is ${pictureRows}; 1 to ${MAX_CELLS} is allowed`;
    violations.push({ field: 'picture_columns', description });
  }
  const range = rangeOf(histogramLow, histogramHigh, violations);
  if (violations.length > 0) throw invalidFields(violations);
  return {
    bins: histogramBins,
    range,
    picture: pictureRows === 0 ? undefined : { rows: pictureRows, columns: pictureColumns },
    singularValues,
  };
}

/** The prediction that is looked at: dense, in float32, all of it. Throws LogahError (invalid_argument). */
export function inspectedRequest({ request }: InspectTensorsRequest__Output): PredictRequest__Output {
  if (request === null) throw invalidField('request', 'is missing');
  if (request.resume !== null) throw invalidField('resume', 'is set; it is not allowed here');
  if (request.selection === null) {
    throw invalidField('selection', `is missing; it must match 1 to ${MAX_TENSORS} tensors`);
  }
  return { ...request, dtype: 'DATA_TYPE_FLOAT32', representation: 'REPRESENTATION_DENSE' };
}

/** Throws LogahError (invalid_argument) where the selection matches too many tensors, or none. */
export function withTensors(options: InspectionOptions, sent: number): PlannedInspection {
  if (sent >= 1 && sent <= MAX_TENSORS) return { ...options, tensors: sent };
  const description = `matches ${sent} tensors that are sent; 1 to ${MAX_TENSORS} are allowed`;
  throw invalidField('selection', description);
}

function rangeOf(
  low: number | undefined,
  high: number | undefined,
  violations: FieldViolation[],
): InspectionOptions['range'] {
  if (low === undefined && high === undefined) return undefined;
  if (low === undefined || high === undefined) {
    const field = low === undefined ? 'histogram_low' : 'histogram_high';
    violations.push({ field, description: 'is missing; histogram_low and histogram_high go together' });
    return undefined;
  }
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return { low, high };
  violations.push({
    field: 'histogram_high',
    description: `is ${high} where histogram_low is ${low}; both must be finite, and the first below the second`,
  });
  return undefined;
}
