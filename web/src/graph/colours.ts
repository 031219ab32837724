/** Classes of colour for operations and origins; the style sheet has the colours. */

import type { Origin } from '../state/network';

/** Operations that share a colour, by what they do to the data. */
const OPERATION_CLASSES: Readonly<Record<string, string>> = {
  input: 'op-input',
  conv: 'op-matrix',
  sep_conv: 'op-matrix',
  dil_conv: 'op-matrix',
  pos_enc: 'op-position',
  embed: 'op-position',
  bias: 'op-bias',
  ln: 'op-norm',
  bn: 'op-norm',
  rms: 'op-norm',
  msa: 'op-attention',
  cse: 'op-attention',
  sum: 'op-join',
  concat: 'op-join',
  max_pool: 'op-pool',
  avg_pool: 'op-pool',
  glob_avg: 'op-pool',
};

/** The classes in the legend, with their words. */
export const OPERATION_LEGEND: readonly (readonly [string, string])[] = [
  ['op-matrix', 'matrices and kernels'],
  ['op-bias', 'biases'],
  ['op-norm', 'normalisation'],
  ['op-attention', 'attention'],
  ['op-position', 'positions'],
  ['op-join', 'sums'],
  ['op-pool', 'pooling'],
  ['op-other', 'others'],
];

/** The class of an operation. */
export function operationClass(operation: string): string {
  return OPERATION_CLASSES[operation] ?? 'op-other';
}

/** The class of an origin. */
export function originClass(origin: Origin | undefined): string {
  return origin === undefined ? 'origin-none' : `origin-${origin}`;
}
