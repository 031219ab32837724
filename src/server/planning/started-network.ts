/** A network for which the request names a built-in start. */

import { Violations } from '../../graph/violations';
import type { ArchitectureGraph } from '../../graph/graph';
import type { Blend } from '../../plan/blend/blend';
import { AS_IT_IS } from '../../plan/widening-choice';
import { startedGraph } from '../../starts';
import type { Start } from '../../starts/start';
import type { KnownNetwork } from './known-operations';
import type { AnswerOptions } from './request';

/** The network filled by the start. Throws LogahError (invalid_argument) for options that only predictions have. */
export function startedNetwork(
  graph: ArchitectureGraph,
  start: Start,
  { copies, strength, lift, base }: Pick<AnswerOptions, 'copies' | keyof Blend>,
): KnownNetwork {
  const violations = new Violations();
  if (copies !== undefined && copies !== 1) {
    violations.add(
      'copies',
      `is ${copies}; ${start.name} draws networks of any width as they are, so 1 is allowed`,
    );
  }
  if (strength !== 1) {
    violations.add(
      'strength',
      `is ${strength}; ${start.name} predicts nothing that could be stronger or weaker, so 1 is allowed`,
    );
  }
  for (const [field, value] of Object.entries({ lift, base })) {
    if (value === 0) continue;
    violations.add(
      field,
      `is ${value}; ${start.name} predicts nothing that noise could be added to, so 0 is allowed`,
    );
  }
  violations.throwIfAny();
  return { graph: startedGraph(graph, start), choice: AS_IT_IS, warnings: [] };
}
