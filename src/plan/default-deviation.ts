/** The standard deviation that a network's default start gives what is predicted of a parameter. */

import type { ArchitectureGraph, Parameter } from '../graph/graph';
import { predictedShape } from '../graph/layout';
import { deviationOfRule } from '../random/rule-deviation';
import { defaultFilling } from '../starts/default-start';

/** Entries along a parameter's axis, within one repetition of its blocks. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * That of each span, be it one of the parameter's blocks or, as a model without slots decodes a fused projection, several
 * at once: then the root of their mean variance.
 */
export function defaultDeviations(graph: ArchitectureGraph, parameter: Parameter): (span: Span) => number {
  const known: (Span & { readonly deviation: number })[] = [];
  let start = 0;
  for (const block of parameter.blocks) {
    const { origin, length } = block;
    if (origin.kind === 'prediction') {
      const shape = predictedShape(parameter, block);
      const filling = defaultFilling(graph, { parameter, block, origin, start, shape });
      known.push({ start, length, deviation: deviationOfRule(filling) });
    }
    start += length;
  }
  const alone = new Map(known.map((block) => [block.start, block]));
  return (span) => {
    const only = alone.get(span.start);
    if (only?.length === span.length) return only.deviation;
    const within = known.filter(
      (block) => block.start >= span.start && block.start + block.length <= span.start + span.length,
    );
    const deviations = new Set(within.map(({ deviation }) => deviation));
    // A root of a square has other last bits.
    if (deviations.size === 1) return [...deviations][0] ?? 0;
    return Math.sqrt(
      within.reduce((sum, { length, deviation }) => sum + length * deviation ** 2, 0) / span.length,
    );
  };
}
