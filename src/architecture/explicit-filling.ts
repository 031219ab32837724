/** The contract's `Initialization` as callers send it. */

import type { Initialization__Output } from '../gen/logah/v1/Initialization';
import type { Filling } from '../graph/filling';
import { fillingOf, FUNCTIONS, RULES, withFunction } from '../graph/filling-message';
import type { Violations } from '../graph/violations';
import { known } from '../graph/enum-values';

/** Adds a violation and returns undefined where the rule or the function is not one of the contract's. */
export function fromProtoInitialization(
  message: Initialization__Output,
  field: string,
  violations: Violations,
): Filling | undefined {
  const rule = known(RULES, message.rule, `${field}.rule`, violations);
  if (rule === undefined) return undefined;
  const filling = fillingOf(rule, message);
  if (message.function === 'FUNCTION_UNSPECIFIED') return filling;
  const transform = known(FUNCTIONS, message.function, `${field}.function`, violations);
  if (transform === undefined) return undefined;
  const transformed = withFunction(filling, transform);
  if (transformed !== undefined) return transformed;
  const allowed = 'RULE_UNIFORM_BETWEEN, RULE_LOG_UNIFORM and RULE_SEQUENCE';
  violations.add(`${field}.function`, `is allowed with ${allowed} alone, not with ${message.rule}`);
  return undefined;
}
