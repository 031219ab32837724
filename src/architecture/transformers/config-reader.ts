import { DEFAULT_INITIALIZER_RANGE } from '../../graph/graph';
import type { Violations } from '../../graph/violations';
import { quoted } from '../../graph/violations';

/** Where the configuration stands in the request. */
export const CONFIG_FIELD = 'architecture.transformers_config';

/** Where the number of copies stands in the request. */
export const COPIES_FIELD = 'copies';

/** The largest size that a tensor's dimension may have. */
export const MAX_SIZE = 2 ** 31 - 1;

/**
 * Reads fields of a `config.json`. A wrong field adds a violation and reads as its default, so that one pass finds
 * everything that is wrong. With `copies`, widths read as those of the network that the configuration's is so many times
 * as wide as.
 */
export class ConfigReader {
  #initializerRange: number | undefined;

  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    readonly violations: Violations,
    readonly copies = 1,
  ) {}

  /** The standard deviation of the network's own initial weights. */
  get initializerRange(): number {
    return (this.#initializerRange ??= this.standardDeviation(
      'initializer_range',
      DEFAULT_INITIALIZER_RANGE,
    ));
  }

  violation(name: string, description: string): void {
    this.violations.add(name === '' ? CONFIG_FIELD : `${CONFIG_FIELD}.${name}`, description);
  }

  /** The field as it is; undefined where absent. */
  raw(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
  }

  /** A size from `least` to 2^31 - 1; `alias` is another name for the field. */
  size(name: string, fallback: number, alias?: string, least = 1): number {
    const own = this.raw(name);
    const other = alias === undefined ? undefined : this.raw(alias);
    if (own !== undefined && other !== undefined && own !== other) {
      this.violation(name, `is ${quoted(own)}, but ${alias ?? ''}, another name for it, is ${quoted(other)}`);
    }
    const [value, used] = own === undefined && other !== undefined ? [other, alias ?? name] : [own, name];
    if (value === undefined) return fallback;
    if (isSize(value, least)) return value;
    this.violation(used, `must be an integer from ${least} to ${MAX_SIZE}, not ${quoted(value)}`);
    return fallback;
  }

  /** A size that widening multiplies, as `size`. */
  width(name: string, fallback: number, alias?: string, least = 1): number {
    return this.narrowed(this.size(name, fallback, alias, least), name, least);
  }

  /** A size that widening multiplies, as `optionalSize`. */
  optionalWidth(name: string, fallback?: number): number | undefined {
    const size = this.optionalSize(name, fallback);
    return size === undefined ? undefined : this.narrowed(size, name, 1);
  }

  private narrowed(size: number, name: string, least: number): number {
    const narrow = size / this.copies;
    if (Number.isInteger(narrow) && narrow >= least) return narrow;
    if (size >= least) {
      const allowed = least === 1 ? 'a divisor' : `a divisor that leaves at least ${least}`;
      this.violations.add(
        COPIES_FIELD,
        `is ${this.copies}; ${name} is ${size}, of which it must be ${allowed}`,
      );
    }
    return size;
  }

  /** A size; undefined where it is null, `fallback` where it is absent. */
  optionalSize(name: string, fallback?: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    return value === null ? undefined : this.size(name, 1);
  }

  /** A size that stands for [height, width] where it is one number. */
  heightAndWidth(name: string, fallback: number): readonly [height: number, width: number] {
    const value = this.raw(name);
    if (value === undefined) return [fallback, fallback];
    if (isSize(value)) return [value, value];
    if (Array.isArray(value) && value.length === 2) {
      const [height, width] = value as unknown[];
      if (isSize(height) && isSize(width)) return [height, width];
    }
    const size = `an integer from 1 to ${MAX_SIZE}`;
    this.violation(name, `must be ${size}, or [height, width] of such, not ${quoted(value)}`);
    return [fallback, fallback];
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.violation(name, `must be true or false, not ${quoted(value)}`);
    return fallback;
  }

  /** A finite number of at least 0. */
  standardDeviation(name: string, fallback: number): number {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    this.violation(name, `must be a number of at least 0, not ${quoted(value)}`);
    return fallback;
  }
}

function isSize(value: unknown, least = 1): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MAX_SIZE;
}
