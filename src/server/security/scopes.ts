/** What a caller may do, as a file of callers says it. */

import { LogahError } from '../../errors';
import { quoted } from '../../untrusted-text';

/** What a caller may do. Plain values, which travel between threads. */
export interface Scopes {
  /** Patterns of models' names, in which `*` is any run of characters and `?` one; none match: no model. */
  readonly models: readonly string[];
  /** Of one network. */
  readonly parameters: number;
  /** Predictions at a time. */
  readonly streams: number;
  /** Calls a minute. */
  readonly requests: number;
  /** Bytes of predictions a minute. */
  readonly bytes: number;
  /** Whether it may look after the server (`AdminService`). */
  readonly admin: boolean;
}

/** Of callers that nobody asked who they are: all but looking after the server. */
export const EVERYTHING: Scopes = {
  models: ['*'],
  parameters: Infinity,
  streams: Infinity,
  requests: Infinity,
  bytes: Infinity,
  admin: false,
};

const NOTHING: Scopes = { ...EVERYTHING, models: [] };

/** Bounds of a caller, each a number. */
const BOUNDS = ['parameters', 'streams', 'requests', 'bytes'] as const;

type Bound = (typeof BOUNDS)[number];

/** What can stand in a list of scopes. */
export const SCOPE_WORDS =
  'models=PATTERN,..., parameters=COUNT, streams=COUNT, requests=PER_MINUTE, bytes=PER_MINUTE and admin';

const MAX_PATTERN = 256;

/**
 * Reads scopes, separated by blanks: `models=logah-tiny-* parameters=1e9 streams=4`. Without `models` there is no model
 * that the caller may use; a bound that is not given is the server's. Throws LogahError (invalid_argument).
 */
export function parseScopes(text: string): Scopes {
  let scopes = NOTHING;
  const seen = new Set<string>();
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (seen.has(name)) throw wrong(`has ${quoted(name)} twice`);
    seen.add(name);
    if (name === 'admin' && value === undefined) scopes = { ...scopes, admin: true };
    else if (name === 'models' && value !== undefined) scopes = { ...scopes, models: patternsOf(value) };
    else if (isBound(name) && value !== undefined) scopes = { ...scopes, [name]: countOf(name, value) };
    else throw wrong(`has ${quoted(word)}; it may have ${SCOPE_WORDS}`);
  }
  return scopes;
}

/** Writes scopes as `parseScopes` reads them. */
export function formatScopes(scopes: Scopes): string {
  const words = [
    ...(scopes.models.length > 0 ? [`models=${scopes.models.join(',')}`] : []),
    ...BOUNDS.filter((name) => scopes[name] !== Infinity).map((name) => `${name}=${scopes[name]}`),
    ...(scopes.admin ? ['admin'] : []),
  ];
  return words.join(' ');
}

/** Whether a caller may use a model of this name, should there be one. */
export function allowsModel({ models }: Pick<Scopes, 'models'>, name: string): boolean {
  return models.some((pattern) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  const source = pattern
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[^\w]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, 's').test(name);
}

function patternsOf(value: string): readonly string[] {
  const patterns = value.split(',');
  for (const pattern of patterns) {
    if (!/^[\w.*?@-]+$/.test(pattern) || pattern.length > MAX_PATTERN || pattern.split('*').length > 4) {
      throw wrong(
        `has the model ${quoted(pattern)}; a name is allowed, in which up to three * stand for any characters and ? for one`,
      );
    }
  }
  return patterns;
}

function countOf(name: Bound, value: string): number {
  const count = /^\d[\d_]*(?:e\d{1,2})?$/.test(value) ? Number(value.replaceAll('_', '')) : NaN;
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw wrong(`has ${name}=${quoted(value)}; a whole number from 1 on is allowed, such as 1000000 or 1e6`);
  }
  return count;
}

function isBound(name: string): name is Bound {
  return (BOUNDS as readonly string[]).includes(name);
}

function wrong(how: string): LogahError {
  return new LogahError('invalid_argument', `the list of scopes ${how}`);
}
