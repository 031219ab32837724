/** How commands are known to servers: flags and environment, and the files that they name. */

import { readFile } from 'node:fs/promises';
import { tokenFromFile, type Security } from '../client';
import { CLIENT_SETTINGS, loadClientConfig, type ClientFlags } from '../config/client-config';
import { LogahError } from '../errors';
import { withFileErrors } from '../system-error';

/** What the flags come to. Throws LogahError where a file cannot be read, or they contradict each other. */
export async function clientSecurity(flags: ClientFlags): Promise<Security> {
  const { tls, ca, cert, key, tokenFile } = loadClientConfig(flags);
  const [authorities, own, secret] = await Promise.all([ca, cert, key].map(contentOf));
  return {
    ...(tls && { tls: { ca: authorities, cert: own, key: secret } }),
    ...(tokenFile !== '' && { token: tokenFromFile(tokenFile) }),
  };
}

/** Throws LogahError (invalid_argument) where flags say how a server is spoken to, and none is named. */
export function refuseWithoutServer(flags: ClientFlags): void {
  for (const name of Object.keys(CLIENT_SETTINGS) as (keyof typeof CLIENT_SETTINGS)[]) {
    if (flags[name] === undefined) continue;
    const [flag = name] = CLIENT_SETTINGS[name].flag.split(' ');
    throw new LogahError(
      'invalid_argument',
      `${flag} is how a server is spoken to; --server must name it (without it, a server is started for this command)`,
    );
  }
}

async function contentOf(path: string): Promise<Buffer | undefined> {
  return path === '' ? undefined : withFileErrors(`read ${path}`, () => readFile(path));
}
