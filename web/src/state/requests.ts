/** The requests that the page's state stands for. */

import { create } from '@bufbuild/protobuf';
import {
  DataType,
  PredictRequestSchema,
  Representation,
  type PredictRequest,
} from '../../../src/gen/es/logah/v1/logah_pb';
import type { Settings } from './app-state';
import type { Source } from './source';

/** What of a prediction is asked for. */
export interface Wanted {
  /** Names of tensors; undefined: all. */
  readonly tensors?: readonly string[] | undefined;
  readonly representation?: Representation | undefined;
  readonly dtype?: DataType | undefined;
  readonly slice?:
    { readonly name: string; readonly start: readonly number[]; readonly end: readonly number[] } | undefined;
}

/** The request for a source under these settings. */
export function requestOf(source: Source, settings: Settings, wanted: Wanted = {}): PredictRequest {
  const { model, seed, lift, strength, base, copies } = settings;
  const { tensors, slice } = wanted;
  return create(PredictRequestSchema, {
    architecture: source.architecture,
    model,
    seed: BigInt(seed),
    lift,
    ...(strength !== 1 && { strength }),
    base,
    ...(copies > 0 && { copies }),
    ...(tensors && { selection: { patterns: [...tensors] } }),
    representation: wanted.representation ?? Representation.UNSPECIFIED,
    dtype: wanted.dtype ?? DataType.UNSPECIFIED,
    slices: slice ? [{ name: slice.name, start: slice.start.map(BigInt), end: slice.end.map(BigInt) }] : [],
  });
}

/** Tells sources apart for what is kept of their answers. */
const numbers = new WeakMap<object, number>();
let last = 0;

/** A text that is the same for the same source and settings. */
export function keyOf(source: Source, settings: Settings): string {
  let number = numbers.get(source.architecture);
  if (number === undefined) numbers.set(source.architecture, (number = ++last));
  const { model, seed, lift, strength, base, copies } = settings;
  return [number, model, seed, lift, strength, base, copies].join('/');
}
