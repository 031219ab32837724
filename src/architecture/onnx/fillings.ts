/** Rules of the frameworks for what no hypernetwork predicts. */

import type { Filling } from '../../graph/graph';
import type { TensorContent } from '../../onnx-file/content';

export const FILLINGS = {
  zeros: { rule: 'zeros', standardDeviation: 0 },
  ones: { rule: 'ones', standardDeviation: 0 },
  /** Tokens, position tables and relative positions in transformers and timm. */
  tokens: { rule: 'truncated_normal', standardDeviation: 0.02 },
  /** ConvNeXt's. */
  layerScale: { rule: 'constant', value: 1e-6 },
  /** PyTorch's slope of a PReLU. */
  slope: { rule: 'constant', value: 0.25 },
} as const satisfies Readonly<Record<string, Filling>>;

/** PyTorch's rule for weights of layers, `kaiming_uniform_` with a = sqrt(5), and for their biases. */
export function uniformOf(fanIn: number): Filling {
  return uniform(1 / Math.sqrt(Math.max(1, fanIn)));
}

export function uniform(bound: number): Filling {
  return { rule: 'uniform', bound };
}

/** The one number that all elements are, if they are: the network meant it. */
export function seenFilling(content: TensorContent | undefined): Filling | undefined {
  switch (content?.kind) {
    case 'zeros':
      return FILLINGS.zeros;
    case 'ones':
      return FILLINGS.ones;
    case 'constant':
      return { rule: 'constant', value: content.mean };
    case 'drawn':
    case 'structured':
    case 'other':
    case undefined:
      return undefined;
  }
}
