/** Selection of tensors by name. */

import { invalidField, invalidFields } from '../errors';
import { quoted } from '../graph/violations';

const MAX_PATTERNS = 256;
const MAX_LENGTH = 256;
const FIELD = 'selection.patterns';
const SHOWN = 5;

/** Characters compared for one selection, less than a second: patterns of many stars could take hours. */
const MAX_STEPS = 50_000_000;

/** What is left of the steps that matching may take. */
interface Budget {
  steps: number;
}

/** Selects names by patterns in which `*` stands for any run of characters and `?` for one. */
export class NameSelection {
  /** Selects every name. */
  static readonly all = new NameSelection([]);

  readonly #patterns: readonly string[];

  private constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
  }

  /** Checks patterns from a request. Throws LogahError (invalid_argument) that names the pattern. */
  static of(patterns: readonly string[]): NameSelection {
    if (patterns.length === 0 || patterns.length > MAX_PATTERNS) {
      throw invalidField(FIELD, `has ${patterns.length} patterns; 1 to ${MAX_PATTERNS} are allowed`);
    }
    const violations = patterns.flatMap((pattern, index) =>
      pattern.length >= 1 && pattern.length <= MAX_LENGTH
        ? []
        : [
            {
              field: `${FIELD}[${index}]`,
              description: `has ${pattern.length} characters; 1 to ${MAX_LENGTH} are allowed`,
            },
          ],
    );
    if (violations.length > 0) throw invalidFields(violations);
    return new NameSelection(patterns);
  }

  /** The names that are selected. Throws LogahError (invalid_argument) where there are none, or matching takes too long. */
  select(names: readonly string[]): ReadonlySet<string> {
    if (this.#patterns.length === 0) return new Set(names);
    const budget = { steps: MAX_STEPS };
    const selected = new Set(
      names.filter((name) => this.#patterns.some((pattern) => matches(pattern, name, budget))),
    );
    if (selected.size === 0) {
      throw invalidField(
        FIELD,
        `${listed(this.#patterns)} match none of the ${names.length} tensors: ${listed(names)}`,
      );
    }
    return selected;
  }
}

/** The first few, short enough for an error message. */
function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, SHOWN).map(quoted);
  return texts.length > SHOWN ? `${shown.join(', ')} and ${texts.length - SHOWN} more` : shown.join(', ');
}

/**
 * Whether a pattern matches a whole name, in time linear in pattern length times name length. Throws LogahError
 * (invalid_argument) when the budget is spent.
 */
export function matches(pattern: string, name: string, budget: Budget = { steps: MAX_STEPS }): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (--budget.steps < 0) {
      throw invalidField(
        FIELD,
        `need more than ${MAX_STEPS} comparisons of characters; fewer stars need less`,
      );
    }
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && pattern[p] === '?') {
      p++;
      n = afterCharacter(name, n);
    } else if (p < pattern.length && pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = resume = afterCharacter(name, resume);
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === '*') p++;
  return p === pattern.length;
}

/** The index behind the character at `index`, which may be a surrogate pair. */
function afterCharacter(text: string, index: number): number {
  return index + ((text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1);
}
