/** How commands are known to servers: flags and environment, and the files that they name. */

import { readFile } from 'node:fs/promises';
import { tokenFromFile, type Security } from '../client';
import { loadClientConfig, type ClientFlags } from '../config/client-config';
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

async function contentOf(path: string): Promise<Buffer | undefined> {
  return path === '' ? undefined : withFileErrors(`read ${path}`, () => readFile(path));
}
