import { DEFAULT_INITIALIZER_RANGE } from '../../graph/graph';
import type { Violations } from '../../graph/violations';
import { quoted } from '../../graph/violations';
import { accepts, configClass, typeNames, type ConfigClass } from './config-class';
import { misspeltFields } from './misspelt-fields';
import { Float, isObject, plain } from '../../python-json';

/** Where the configuration stands in the request. */
export const CONFIG_FIELD = 'architecture.transformers_config';

/** Where the number of copies stands in the request. */
export const COPIES_FIELD = 'copies';

/** The largest size that a tensor's dimension may have. */
export const MAX_SIZE = 2 ** 31 - 1;

/** The field that has the standard deviation of the network's own initial weights, in most families. */
const INITIALIZER_RANGE = 'initializer_range';

/** Fields that torch takes as a probability. */
const PROBABILITY = /dropout(_prob)?$|_pdrop$/;

interface Found {
  /** As it was read; undefined where the configuration does not have it. */
  readonly value: unknown;
  /** The name that it has in the configuration. */
  readonly name: string;
}

/**
 * Reads fields of a `config.json` as transformers' configuration class of a model type does: its defaults, its other
 * names, its types. A wrong field adds a violation and reads as its default, so that one pass finds everything that is
 * wrong. With `copies`, widths read as those of the network that the configuration's is so many times as wide as.
 */
export class ConfigReader {
  readonly #class: ConfigClass;
  /** By the names of the class. */
  readonly #found = new Map<string, Found>();
  /** Names, as the configuration has them, of fields with a violation. */
  readonly #wrong = new Set<string>();
  readonly #parts: ConfigReader[] = [];
  #initializerRange: number | undefined;

  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    readonly violations: Violations,
    private readonly modelType: string,
    readonly copies = 1,
    private readonly path = '',
  ) {
    this.#class = configClass(modelType);
  }

  /** The standard deviation of the network's own initial weights. */
  get initializerRange(): number {
    return (this.#initializerRange ??= Object.hasOwn(this.#class.fields, INITIALIZER_RANGE)
      ? this.standardDeviation(INITIALIZER_RANGE)
      : DEFAULT_INITIALIZER_RANGE);
  }

  violation(name: string, description: string): void {
    this.#wrong.add(name);
    this.violations.add(this.fieldOf(name), description);
  }

  /** The reader of a configuration within this one; all its fields are defaults where it is absent or null. */
  part(name: string, modelType: string): ConfigReader {
    const { value } = this.find(name);
    const path = this.path === '' ? name : `${this.path}.${name}`;
    const isRight = value === undefined || value === null || isObject(value);
    if (!isRight) this.violation(name, `must be an object, not ${shown(value)}`);
    const fields = isObject(value) ? value : {};
    const part = new ConfigReader(fields, this.violations, modelType, this.copies, path);
    this.#parts.push(part);
    return part;
  }

  /** A sentence for each field that is read by nothing and close to one that is not given, once all has been read. */
  get notes(): string[] {
    const { fields, aliases } = this.#class;
    const read = new Set([fields, aliases].flatMap(Object.keys).concat(...this.#found.keys()));
    const missing = Object.keys(fields).filter((name) => this.find(name).value === undefined);
    const names = new Set(missing.flatMap((name) => [name, ...this.aliasesOf(name)]));
    const misspelt = misspeltFields(Object.keys(this.fields), [...names], (name) => read.has(name));
    const own = misspelt.map(
      ({ given, meant }) =>
        `${this.fieldOf(quotedName(given))} is no field of "${this.modelType}" and is ignored; did you mean ${meant}?`,
    );
    return [...own, ...this.#parts.flatMap((part) => part.notes)];
  }

  private fieldOf(name: string): string {
    return [CONFIG_FIELD, ...this.path.split('.'), name].filter((part) => part !== '').join('.');
  }

  /** The field as it is; undefined where absent. */
  raw(name: string): unknown {
    return plain(this.find(name).value);
  }

  /** The field, or its default, as it is. */
  value(name: string): unknown {
    return this.raw(name) ?? (this.find(name).value === null ? null : this.#class.fields[name]?.default);
  }

  /** The name under which the configuration has a field. */
  nameOf(name: string): string {
    return this.find(name).name;
  }

  /** A size from `least` to 2^31 - 1; `fallback` is for those that the class has no field of. */
  size(name: string, least = 1, fallback?: number): number {
    const { value, name: used } = this.find(name);
    if (isSize(value, least)) return value;
    if (value !== undefined) {
      this.violation(used, `must be an integer from ${least} to ${MAX_SIZE}, not ${shown(value)}`);
    }
    return fallback ?? this.defaultSize(name);
  }

  /** A size that widening multiplies, as `size`. */
  width(name: string, least = 1): number {
    return this.narrowed(this.size(name, least), name, least);
  }

  /** A size; undefined where it is null, or where it is absent and has no default. Refused where transformers needs one. */
  optionalSize(name: string, least = 1): number | undefined {
    const { value, name: used } = this.find(name);
    const field = this.#class.fields[name];
    if (value === undefined) return typeof field?.default === 'number' ? field.default : undefined;
    if (value !== null) return this.size(name, least, least);
    if (field !== undefined && accepts(field.types, null)) return undefined;
    const allowed = field === undefined ? `absent, or ${sizeText(least)}` : sizeText(least);
    this.violation(used, `must be ${allowed}, not null: transformers does not build it`);
    return undefined;
  }

  /** A size that widening multiplies, as `optionalSize`. */
  optionalWidth(name: string): number | undefined {
    const size = this.optionalSize(name);
    return size === undefined ? undefined : this.narrowed(size, name, 1);
  }

  /** Adds a violation where the token of padding is no row of the table of tokens, of which torch has to know it. */
  checkPadding(entries: number): void {
    const { value, name } = this.find('pad_token_id');
    const index = value === undefined ? this.#class.fields.pad_token_id?.default : value;
    if (typeof index !== 'number' || (index < entries && index >= -entries)) return;
    const given = value === undefined ? ' (the default)' : '';
    this.violation(name, `is ${index}${given}; of ${entries} entries, it must be one, or null`);
  }

  /** A list of sizes. */
  sizes(name: string): readonly number[] {
    const { value, name: used } = this.find(name);
    if (value === undefined) return this.#class.fields[name]?.default as number[];
    if (Array.isArray(value) && value.length > 0 && value.every((item) => isSize(item))) return value;
    this.violation(used, `must be a list of integers from 1 to ${MAX_SIZE}, not ${shown(value)}`);
    return this.#class.fields[name]?.default as number[];
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

  /** A size that stands for [height, width] where it is one number. */
  heightAndWidth(name: string): readonly [height: number, width: number] {
    const { value, name: used } = this.find(name);
    const fallback = (): [number, number] => {
      const size = this.#class.fields[name]?.default;
      return Array.isArray(size) ? (size as [number, number]) : [size as number, size as number];
    };
    if (value === undefined) return fallback();
    if (isSize(value)) return [value, value];
    if (Array.isArray(value) && value.length === 2) {
      const [height, width] = value as unknown[];
      if (isSize(height) && isSize(width)) return [height, width];
    }
    this.violation(used, `must be ${sizeText(1)}, or [height, width] of such, not ${shown(value)}`);
    return fallback();
  }

  boolean(name: string): boolean {
    const { value, name: used } = this.find(name);
    if (value === null && this.allows(name, null)) return false;
    if (typeof value === 'boolean') return value;
    if (value !== undefined) this.violation(used, `must be true or false, not ${shown(value)}`);
    return this.#class.fields[name]?.default === true;
  }

  string(name: string): string {
    const { value, name: used } = this.find(name);
    if (typeof value === 'string') return value;
    if (value !== undefined) this.violation(used, `must be a string, not ${shown(value)}`);
    return String(this.#class.fields[name]?.default);
  }

  /** A finite number. */
  number(name: string): number {
    return this.finite(name, -Infinity, 'a number');
  }

  /** A finite number of at least 0. */
  standardDeviation(name: string): number {
    return this.finite(name, 0, 'a number of at least 0');
  }

  private finite(name: string, least: number, allowed: string): number {
    const { value, name: used } = this.find(name);
    const fallback = Number(this.#class.fields[name]?.default);
    if (value === undefined) return fallback;
    const number = plain(value);
    if (typeof number !== 'number' || !Number.isFinite(number) || number < least) {
      this.violation(used, `must be ${allowed}, not ${shown(value)}`);
      return fallback;
    }
    if (!this.allows(name, value)) {
      this.violation(used, `must be ${this.typesOf(name)}, not ${shown(value)}: transformers takes no other`);
    }
    return number;
  }

  /** Adds a violation for each other field that is of no type that transformers takes, here and in its parts. */
  checkTypes(): void {
    for (const part of this.#parts) part.checkTypes();
    for (const name of Object.keys(this.#class.fields)) {
      const { value, name: used } = this.find(name);
      if (value === undefined || this.#wrong.has(used)) continue;
      if (!this.allows(name, value)) {
        this.violation(used, `must be ${this.typesOf(name)}, not ${shown(value)}`);
      } else if (PROBABILITY.test(name) && !isProbability(plain(value))) {
        this.violation(used, `must be from 0 to 1, not ${shown(value)}`);
      }
    }
  }

  private allows(name: string, value: unknown): boolean {
    const field = this.#class.fields[name];
    return field === undefined || accepts(field.types, value);
  }

  private typesOf(name: string): string {
    return typeNames(this.#class.fields[name]?.types ?? []);
  }

  private defaultSize(name: string): number {
    const size = this.#class.fields[name]?.default;
    if (typeof size !== 'number') throw new Error(`${name} has no default that is a size`);
    return size;
  }

  /** The field, by the class's own name for it or another. */
  private find(name: string): Found {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const names = [name, ...this.aliasesOf(name)].filter((candidate) =>
      Object.hasOwn(this.fields, candidate),
    );
    const [first = name, ...others] = names;
    const value = names.length > 0 ? this.fields[first] : undefined;
    for (const other of others) {
      if (JSON.stringify(this.fields[other]) === JSON.stringify(value)) continue;
      const came = shown(this.fields[other]);
      this.violation(first, `is ${shown(value)}, but ${other}, another name for it, is ${came}`);
    }
    const found = { value, name: first };
    this.#found.set(name, found);
    return found;
  }

  private aliasesOf(name: string): string[] {
    const { aliases } = this.#class;
    const own = aliases[name];
    const others = Object.entries(aliases).flatMap(([alias, target]) => (target === name ? [alias] : []));
    return own === undefined ? others : [own, ...others];
  }
}

/** A name of the sender's; one of word characters as it is. */
function quotedName(name: string): string {
  return /^\w{1,64}$/.test(name) ? name : quoted(name);
}

function isProbability(value: unknown): boolean {
  return typeof value !== 'number' || (value >= 0 && value <= 1);
}

function sizeText(least: number): string {
  return `an integer from ${least} to ${MAX_SIZE}`;
}

function isSize(value: unknown, least = 1): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MAX_SIZE;
}

/** A value of the configuration in a message. */
function shown(value: unknown): string {
  return value instanceof Float ? value.toString() : quoted(plain(value));
}
