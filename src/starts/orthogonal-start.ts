/** Orthogonal matrices: of one scale, or with the norms of muP. */

import type { Filling, MatrixBlock } from '../graph/filling';
import { elementCount, viewOf } from '../graph/graph';
import { layoutGroups } from '../graph/layout';
import { defaultFilling } from './default-start';
import { inputsOf, isMatrix, type Start, type StartingBlock } from './start';

/** Keeps the variance of activations through a ReLU (He et al., arXiv 1502.01852). */
const GAIN = Math.SQRT2;

/** Saxe et al., arXiv 1312.6120; kernels as [out, the rest]. Tables of embeddings start as they do by default. */
export const ORTHOGONAL_START: Start = {
  name: 'orthogonal',
  description: 'orthogonal matrices times sqrt(2), the rest as by default (arXiv 1312.6120)',
  version: 1,
  rules: (graph) => (block) =>
    isMatrix(block) && block.origin.role !== 'embedding'
      ? orthogonalFilling(block, GAIN)
      : defaultFilling(graph, block),
};

/**
 * Every singular value sqrt(fan_out / fan_in), the spectral condition of muP (arXiv 2310.17813). A table that is read and
 * written starts as it does by default: reading and writing ask for different norms.
 */
export const MUP_ORTHOGONAL_START: Start = {
  name: 'mup_orthogonal',
  description: 'orthogonal matrices times sqrt(fan_out / fan_in), the rest as by default (arXiv 2310.17813)',
  version: 1,
  rules: (graph) => {
    const shared = new Set(graph.parameters.flatMap(({ tiedTo }) => (tiedTo === undefined ? [] : [tiedTo])));
    return (block) => {
      if (!isMatrix(block) || block.origin.role === 'embedding' || shared.has(block.parameter.name)) {
        return defaultFilling(graph, block);
      }
      const inputs = inputsOf(block);
      return orthogonalFilling(block, Math.sqrt(elementCount(block.shape) / inputs / inputs));
    };
  },
};

function orthogonalFilling(block: StartingBlock, gain: number): Filling {
  return { rule: 'orthogonal', gain, block: matrixBlock(block) };
}

/** The first dimension of the framework's tensor counts the rows, all others together the columns. */
function matrixBlock({ parameter, block, start }: StartingBlock): MatrixBlock {
  const { layout, axis, blocks, repetitions = 1 } = parameter;
  const shape = layout === undefined ? viewOf(parameter) : parameter.shape;
  const groups =
    layout === undefined ? shape.map((_, dimension) => [dimension]) : layoutGroups(shape, layout);
  const [rows = [], ...columns] = groups;
  const whole = blocks.reduce((sum, { length }) => sum + length, 0);
  return {
    shape,
    axis,
    start,
    length: block.length,
    period: repetitions > 1 ? whole : (shape[axis] ?? 1),
    rows,
    columns: columns.flat(),
  };
}
