/** The contract's `Initialization`, to and from the service's own type. */

import type { Function__Output } from '../gen/logah/v1/Function';
import type {
  Initialization as ProtoInitialization,
  Initialization__Output,
} from '../gen/logah/v1/Initialization';
import type { Rule__Output } from '../gen/logah/v1/Rule';
import { keyOf } from './enum-values';
import type { ContractRule, FillFunction, Filling } from './filling';

/** Rules by the contract's names; what the contract does not know arrives as a number. */
export const RULES: ReadonlyMap<string | number, ContractRule> = new Map<Rule__Output, ContractRule>([
  ['RULE_ZEROS', 'zeros'],
  ['RULE_ONES', 'ones'],
  ['RULE_NORMAL', 'normal'],
  ['RULE_TRUNCATED_NORMAL', 'truncated_normal'],
  ['RULE_CONSTANT', 'constant'],
  ['RULE_UNIFORM', 'uniform'],
  ['RULE_SHIFTED_NORMAL', 'shifted_normal'],
  ['RULE_BOUNDED_NORMAL', 'bounded_normal'],
  ['RULE_UNIFORM_BETWEEN', 'uniform_between'],
  ['RULE_LOG_UNIFORM', 'log_uniform'],
  ['RULE_SEQUENCE', 'sequence'],
  ['RULE_IDENTITY', 'identity'],
  ['RULE_SINUSOIDS', 'sinusoids'],
]);

/** Functions by the contract's names. */
export const FUNCTIONS: ReadonlyMap<string | number, FillFunction> = new Map<Function__Output, FillFunction>([
  ['FUNCTION_LOG', 'log'],
  ['FUNCTION_INVERSE_SOFTPLUS', 'inverse_softplus'],
]);

/** The numbers of a rule, without a function. */
export function fillingOf(rule: ContractRule, message: Initialization__Output): Filling {
  const { standardDeviation, value, bound, mean, lower, upper, least, start, step } = message;
  const { base, divisor, interleaved } = message;
  switch (rule) {
    case 'zeros':
    case 'ones':
    case 'normal':
    case 'truncated_normal':
      return { rule, standardDeviation };
    case 'constant':
      return { rule, value };
    case 'uniform':
      return { rule, bound };
    case 'shifted_normal':
      return { rule, mean, standardDeviation };
    case 'bounded_normal':
      return { rule, mean, standardDeviation, lower, upper };
    case 'uniform_between':
      return { rule, lower, upper };
    case 'log_uniform':
      return { rule, lower, upper, least };
    case 'sequence':
      return { rule, start, step };
    case 'identity':
      return { rule };
    case 'sinusoids':
      return { rule, start, base, divisor, interleaved };
  }
}

/** The filling with a function done to its elements; undefined where the rule takes none. */
export function withFunction(filling: Filling, transform: FillFunction): Filling | undefined {
  const { rule } = filling;
  const takesFunction = rule === 'uniform_between' || rule === 'log_uniform' || rule === 'sequence';
  return takesFunction ? { ...filling, function: transform } : undefined;
}

/** Without fields that have their default. */
export function toProtoInitialization(filling: Filling): ProtoInitialization {
  const { rule, ...rest } = filling;
  if (rule === 'orthogonal') throw new Error(`the contract has no rule ${rule}`);
  const fields = Object.entries(rest).filter(
    ([name, value]) => FIELDS.has(name) && value !== 0 && value !== false && value !== undefined,
  );
  const message: ProtoInitialization = {
    rule: keyOf(RULES, rule) as Rule__Output,
    ...Object.fromEntries(fields),
  };
  return 'function' in filling && filling.function !== undefined
    ? { ...message, function: keyOf(FUNCTIONS, filling.function) as Function__Output }
    : message;
}

/** The numbers and flags, which have the same names in the contract. */
const FIELDS: ReadonlySet<string> = new Set<keyof Initialization__Output>([
  'standardDeviation',
  'value',
  'bound',
  'mean',
  'lower',
  'upper',
  'least',
  'start',
  'step',
  'base',
  'divisor',
  'interleaved',
]);
