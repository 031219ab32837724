/** Small initialisation: every matrix so small that training begins in the condensed regime. */

import { defaultFilling } from './default-start';
import { inputsOf, isMatrix, type Start } from './start';

/** As arXiv 2502.04375 defines it: 0.5 keeps the variance of activations, larger is smaller. */
const GAMMA = 1;

/** Gaussian with a deviation of fan_in^-1, tables too, of which the width is the fan-in (arXiv 2606.17945). */
export const SMALL_START: Start = {
  name: 'small',
  description:
    'matrices and tables normal with a deviation of 1 / fan_in, the rest as by default (arXiv 2606.17945)',
  version: 1,
  rules: (graph) => (block) =>
    isMatrix(block)
      ? { rule: 'normal', standardDeviation: inputsOf(block) ** -GAMMA }
      : defaultFilling(graph, block),
};
