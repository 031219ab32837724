/** Rules that a plan has for what is to be drawn here. */

import type { Initialization__Output } from '../../gen/logah/v1/Initialization';
import { fillingFault, type Filling } from '../../graph/filling';
import { fillingOf, FUNCTIONS, RULES, withFunction } from '../../graph/filling-message';
import type { Drawn } from '../../random/draws';

/** The rule of a block of a parameter of `shape`; undefined where it is none that can be computed. */
export function ruleOf(rule: Initialization__Output | null, shape: readonly number[]): Drawn | undefined {
  if (rule === null) return undefined;
  const name = RULES.get(rule.rule);
  if (name === undefined) return undefined;
  const filling = transformed(fillingOf(name, rule), rule.function);
  if (filling === undefined || fillingFault(filling, shape.length) !== undefined) return undefined;
  return { ...filling, shape };
}

function transformed(filling: Filling, name: string): Filling | undefined {
  if (name === 'FUNCTION_UNSPECIFIED') return filling;
  const transform = FUNCTIONS.get(name);
  return transform === undefined ? undefined : withFunction(filling, transform);
}
