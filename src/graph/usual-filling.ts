/** The rule by which a block usually starts that nobody predicts. */

import type { Filling } from './filling';
import { fanIn, type PredictionOrigin } from './graph';

/**
 * The rule for a block of `shape`, the framework's: norm weights 1, biases 0, and others normal with the network's own
 * deviation, or where that is undefined as PyTorch's layers are by default.
 */
export function usualFilling(
  { role }: Pick<PredictionOrigin, 'role'>,
  shape: readonly number[],
  initializerRange: number | undefined,
): Filling {
  switch (role) {
    case 'norm_weight':
      return { rule: 'ones', standardDeviation: 0 };
    case 'bias':
      return { rule: 'zeros', standardDeviation: 0 };
    case 'matrix':
    case 'embedding':
      return initializerRange === undefined
        ? { rule: 'uniform', bound: 1 / Math.sqrt(fanIn(shape)) }
        : { rule: 'normal', standardDeviation: initializerRange };
  }
}
