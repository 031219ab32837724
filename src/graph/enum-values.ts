/** Values of the contract's enums and what they are called here. */

import type { Violations } from './violations';

/** The service's own name of a value; adds a violation where the contract does not know it (it arrives as a number). */
export function known<Own>(
  values: ReadonlyMap<string | number, Own>,
  value: string | number,
  field: string,
  violations: Violations,
): Own | undefined {
  const found = values.get(value);
  if (found === undefined)
    violations.add(field, `must be one of ${[...values.keys()].join(', ')}, not ${value}`);
  return found;
}

/** The contract's name of a value. */
export function keyOf<Key extends string | number, Own>(values: ReadonlyMap<Key, Own>, value: Own): Key {
  for (const [key, candidate] of values) if (candidate === value) return key;
  throw new Error(`the contract has no name for ${String(value)}`);
}
