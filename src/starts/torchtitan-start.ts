/** torchtitan's recipe for Llama 3, by the roles that its matrices have in any residual network. */

import type { Filling } from '../graph/filling';
import { residualWriters } from '../graph/residual-writers';
import { defaultFilling } from './default-start';
import { isMatrix, type Start } from './start';

const DEVIATION = 0.02;
/** Deviations at which the head's distribution is cut. */
const HEAD_CUTOFF = 3;
/** torchtitan scales the MLP's second input with depth, too, as it does what is written to the residual stream. */
const UP_PROJECTION = /\bup_proj\.weight$/;

/**
 * Matrices have a deviation of 0.02; those that write to the residual stream, and a gated MLP's up projection,
 * 0.02 / sqrt(2 (layer + 1)). The head has 1 / sqrt(width), cut at three deviations; a token table has 1, or is drawn as
 * the head where it is that, too. Positions, patches and all else start as they do by default.
 */
export const TORCHTITAN_START: Start = {
  name: 'torchtitan',
  description:
    "torchtitan's recipe for Llama 3: what writes to the residual stream is smaller the deeper it stands",
  version: 1,
  rules: (graph) => {
    const depths = residualWriters(graph);
    const heads = new Set(graph.parameters.flatMap(({ tiedTo }) => (tiedTo === undefined ? [] : [tiedTo])));
    const { vocab_size: tokens } = graph.sizes;
    return (block): Filling => {
      const { parameter, origin, shape } = block;
      if (!isMatrix(block) || shape.length !== 2) return defaultFilling(graph, block);
      const [rows = 1, width = 1] = shape;
      if (origin.classifier || heads.has(parameter.name)) return headFilling(width);
      if (origin.role === 'embedding') {
        return rows === tokens ? { rule: 'normal', standardDeviation: 1 } : defaultFilling(graph, block);
      }
      const layer = depths.layers.get(origin.node);
      if (layer === undefined) return { rule: 'normal', standardDeviation: DEVIATION };
      const scaled = depths.writers.has(origin.node) || UP_PROJECTION.test(parameter.name);
      const depth = scaled ? 2 * (layer + 1) : 1;
      return { rule: 'truncated_normal', standardDeviation: DEVIATION / Math.sqrt(depth) };
    };
  },
};

function headFilling(width: number): Filling {
  const standardDeviation = width ** -0.5;
  const bound = HEAD_CUTOFF * standardDeviation;
  return { rule: 'bounded_normal', mean: 0, standardDeviation, lower: -bound, upper: bound };
}
