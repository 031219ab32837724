/** The environment as a whole: what in it nothing reads, what a server for one command gets of it, and the cache. */

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { nearestName } from '../nearest-name';
import { CLIENT_SETTINGS } from './client-config';
import { SETTINGS, type SettingName } from './server-settings';

/** Variables that are no settings of a server: of the command line as a client, of Python's, and of tests. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  ...Object.values(CLIENT_SETTINGS).map(({ variable }) => variable),
  'LOGAH_CACHE',
  'LOGAH_PYTHON',
  'LOGAH_PARITY',
]);

/** A variable of the environment that begins like ours and that nothing reads, and the one that may be meant. */
export interface UnknownVariable {
  readonly name: string;
  readonly meant: string | undefined;
}

/** The variables of the environment that nothing reads, by name. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly UnknownVariable[] {
  const known = Object.values(SETTINGS).map(({ variable }): string => variable);
  return Object.keys(environment)
    .filter((name) => /^LOGAH_(?!TEST_)/i.test(name) && !known.includes(name) && !OTHER_VARIABLES.has(name))
    .sort()
    .map((name) => ({ name, meant: nearestName(name, known) }));
}

/** Settings that a server for one command does without: it listens for that command alone. */
const OF_SHARED_SERVERS: readonly SettingName[] = [
  'tlsCert',
  'tlsKey',
  'tlsClientCa',
  'insecure',
  'explorerAddress',
  'callers',
  'jwtIssuer',
  'jwtAudience',
  'jwtKeys',
];

/** The environment of a server that a command starts for itself. */
export function embeddedEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const without = new Set<string>(OF_SHARED_SERVERS.map((name) => SETTINGS[name].variable));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !without.has(name)));
}

/** Where the command line keeps what it fetched: `logah` in XDG_CACHE_HOME, or else in `~/.cache`. */
export function cacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const given = environment.XDG_CACHE_HOME;
  // The specification has relative paths ignored.
  return join(given !== undefined && isAbsolute(given) ? given : join(homedir(), '.cache'), 'logah');
}
