/** Reads the fields of a Predict request that are not the architecture. */

import { invalidFields, type FieldViolation } from '../../errors';
import type { DataType__Output } from '../../gen/logah/v1/DataType';
import type { PredictRequest__Output } from '../../gen/logah/v1/PredictRequest';
import type { Representation__Output } from '../../gen/logah/v1/Representation';
import type { ElementType } from '../../element-type';
import type { RequestedPart } from '../../plan/data-range';
import type { Representation } from '../../plan/factors';
import type { PlanOptions } from '../../plan/plan';
import { isNoisy, MAX_BLEND } from '../../plan/blend/blend';
import { NameSelection } from '../../plan/selection';
import { Slicing } from '../../plan/slicing';
import { MAX_COPIES } from '../../plan/widening-choice';

const DEFAULT_CHUNK_BYTES = 1 << 20;
const MIN_CHUNK_BYTES = 4096;
const MAX_CHUNK_BYTES = 4 << 20;

const ELEMENT_TYPES: Readonly<Partial<Record<DataType__Output, ElementType>>> = {
  DATA_TYPE_UNSPECIFIED: 'f32',
  DATA_TYPE_FLOAT32: 'f32',
  DATA_TYPE_FLOAT16: 'f16',
  DATA_TYPE_BFLOAT16: 'bf16',
};

const REPRESENTATIONS: Readonly<Partial<Record<Representation__Output, Representation>>> = {
  REPRESENTATION_UNSPECIFIED: 'dense',
  REPRESENTATION_DENSE: 'dense',
  REPRESENTATION_FACTORS: 'factors',
  REPRESENTATION_CORE: 'core',
};

/** How to answer. */
export interface AnswerOptions extends PlanOptions {
  /** How often a narrower network's weights are repeated; undefined: as training needs. */
  readonly copies: number | undefined;
  readonly chunkBytes: number;
  readonly sha256: boolean;
  readonly resume: RequestedPart | undefined;
}

/** Validates a request's options. Throws LogahError (invalid_argument) with a violation for each wrong field. */
export function readOptions(request: PredictRequest__Output): AnswerOptions {
  const violations: FieldViolation[] = [];
  const { seed, chunkBytes: chunk, copies = 0, strength = 1, lift, base } = request;
  if (!Number.isSafeInteger(seed)) {
    violations.push({
      field: 'seed',
      description: `is ${seed}; at most ${Number.MAX_SAFE_INTEGER} is allowed`,
    });
  }
  if (chunk !== 0 && (chunk < MIN_CHUNK_BYTES || chunk > MAX_CHUNK_BYTES)) {
    violations.push({
      field: 'chunk_bytes',
      description: `is ${chunk}; 0 or ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES} is allowed`,
    });
  }
  if (copies > MAX_COPIES) {
    violations.push({ field: 'copies', description: `is ${copies}; at most ${MAX_COPIES} is allowed` });
  }
  // Not the other way round: NaN is neither.
  if (!(strength > 0 && strength <= MAX_BLEND.strength)) {
    const description = `is ${strength}; above 0 and at most ${MAX_BLEND.strength} is allowed`;
    violations.push({ field: 'strength', description });
  }
  for (const field of ['lift', 'base'] as const) {
    const [value, most] = [request[field], MAX_BLEND[field]];
    if (value >= 0 && value <= most) continue;
    violations.push({ field, description: `is ${value}; 0 to ${most} is allowed` });
  }
  const elementType = ELEMENT_TYPES[request.dtype];
  if (elementType === undefined) {
    const allowed = Object.keys(ELEMENT_TYPES).join(', ');
    violations.push({ field: 'dtype', description: `is ${request.dtype}; allowed: ${allowed}` });
  }
  const representation = REPRESENTATIONS[request.representation];
  if (representation === undefined) {
    const allowed = Object.keys(REPRESENTATIONS).join(', ');
    violations.push({
      field: 'representation',
      description: `is ${request.representation}; allowed: ${allowed}`,
    });
  }
  const isCut = request.slices.length > 0 || request.shard !== null;
  if (representation !== undefined && representation !== 'dense' && isCut) {
    violations.push({
      field: 'representation',
      description: `is ${request.representation} together with slices or a shard; only REPRESENTATION_DENSE is allowed`,
    });
  }
  if (representation === 'factors' && isNoisy({ lift, base })) {
    const asked = lift > 0 ? `lift ${lift}` : `base ${base}`;
    violations.push({
      field: 'representation',
      description:
        `is ${request.representation} together with ${asked}; only REPRESENTATION_DENSE and REPRESENTATION_CORE ` +
        'are allowed, since noise has no factors',
    });
  }
  if (violations.length > 0 || elementType === undefined || representation === undefined) {
    throw invalidFields(violations);
  }
  return {
    seed,
    copies: copies === 0 ? undefined : copies,
    elementType,
    selection: request.selection === null ? NameSelection.all : NameSelection.of(request.selection.patterns),
    representation,
    strength,
    lift,
    base,
    slicing: Slicing.of(request.slices, request.shard ?? undefined),
    chunkBytes: chunk === 0 ? DEFAULT_CHUNK_BYTES : chunk,
    sha256: request.sha256,
    strict: request.strict,
    resume: request.resume ?? undefined,
  };
}
