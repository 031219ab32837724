/** What transformers' configuration classes say of their fields; `python/scripts/write_config_classes.py` writes it down. */

import classes from './config-classes.json';
import { Float, isObject } from '../../python-json';

/** A type that transformers accepts, as JSON has it. */
export type FieldType =
  | 'int'
  | 'float'
  | 'bool'
  | 'str'
  | 'dict'
  | 'list'
  | 'null'
  | 'any'
  | ListType
  | { readonly value: unknown };

interface ListType {
  readonly list: readonly FieldType[];
}

export interface ConfigField {
  readonly types: readonly FieldType[];
  readonly default?: unknown;
}

export interface ConfigClass {
  /** Other names of fields -> the fields. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, ConfigField>>;
}

const common = classes.common as Readonly<Record<string, ConfigField>>;
const byModelType = classes.classes as unknown as Readonly<Record<string, ConfigClass>>;

/** The release of transformers that the classes are those of. */
export const TRANSFORMERS_RELEASE: string = classes.transformers;

/** Of a model type that a family or a part of one has; throws where the file has none, which is a fault of ours. */
export function configClass(modelType: string): ConfigClass {
  const own = byModelType[modelType];
  if (own === undefined) throw new Error(`config-classes.json has no ${modelType}`);
  return { aliases: own.aliases, fields: { ...common, ...own.fields } };
}

/** Whether transformers takes the value for a field of these types. */
export function accepts(types: readonly FieldType[], value: unknown): boolean {
  return types.some((type) => acceptsOne(type, value));
}

function acceptsOne(type: FieldType, value: unknown): boolean {
  if (typeof type === 'object') {
    if ('value' in type) return type.value === (value instanceof Float ? value.value : value);
    return Array.isArray(value) && value.every((item) => accepts(type.list, item));
  }
  switch (type) {
    case 'int':
      return typeof value === 'number';
    case 'float':
      return value instanceof Float;
    case 'bool':
      return typeof value === 'boolean';
    case 'str':
      return typeof value === 'string';
    case 'dict':
      return isObject(value);
    case 'list':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'any':
      return true;
  }
}

const NAMES = {
  int: 'an integer',
  float: 'a number with a decimal point',
  bool: 'true or false',
  str: 'a string',
  dict: 'an object',
  list: 'a list',
  null: 'null',
  any: 'anything',
} as const;

/** The types in words: "an integer, a list of integers or null". */
export function typeNames(types: readonly FieldType[]): string {
  const names = types.map((type) => {
    if (typeof type !== 'object') return NAMES[type];
    return 'value' in type ? JSON.stringify(type.value) : `a list, each of them ${typeNames(type.list)}`;
  });
  const last = names.pop() ?? '';
  return names.length > 0 ? `${names.join(', ')} or ${last}` : last;
}
