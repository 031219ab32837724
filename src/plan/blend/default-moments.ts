/** Where the default start of what is predicted of a parameter lies, and how far it is spread. */

import type { ArchitectureGraph, Parameter } from '../../graph/graph';
import { predictedShape } from '../../graph/layout';
import { momentsOfRule, type RuleMoments } from '../../random/rule-moments';
import { defaultFilling } from '../../starts/default-start';

/** Entries along a parameter's axis, within one repetition of its blocks. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * Those of each span, be it one of the parameter's blocks or, as a model without slots decodes a fused projection, several
 * at once: then their mean, and the root of their mean variance.
 */
export function defaultMoments(graph: ArchitectureGraph, parameter: Parameter): (span: Span) => RuleMoments {
  const known: (Span & RuleMoments)[] = [];
  let start = 0;
  for (const block of parameter.blocks) {
    const { origin, length } = block;
    if (origin.kind === 'prediction') {
      const shape = predictedShape(parameter, block);
      const filling = defaultFilling(graph, { parameter, block, origin, start, shape });
      known.push({ start, length, ...momentsOfRule(filling) });
    }
    start += length;
  }
  const alone = new Map(known.map((block) => [block.start, block]));
  return (span) => {
    const only = alone.get(span.start);
    if (only?.length === span.length) return only;
    const within = known.filter(
      (block) => block.start >= span.start && block.start + block.length <= span.start + span.length,
    );
    const [first] = within;
    // A root of a square has other last bits.
    if (
      first === undefined ||
      within.every(({ mean, deviation }) => mean === first.mean && deviation === first.deviation)
    ) {
      return first ?? NOTHING;
    }
    const average = (of: (moments: RuleMoments) => number): number =>
      within.reduce((sum, block) => sum + block.length * of(block), 0) / span.length;
    return {
      mean: average(({ mean }) => mean),
      deviation: Math.sqrt(average(({ deviation }) => deviation ** 2)),
    };
  };
}

const NOTHING: RuleMoments = { mean: 0, deviation: 0 };
