/** What the container image sets for glibc's allocator. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCKERFILE = join(__dirname, '..', '..', 'Dockerfile');

/** The variables with their values, as the Dockerfile has them. */
export function allocatorEnvironment(): Readonly<Record<string, string>> {
  const set = readFileSync(DOCKERFILE, 'utf8').matchAll(/^(?:ENV| ) +(MALLOC_\w+)=(\d+)/gm);
  return Object.fromEntries(Array.from(set, ([, name = '', value = '']) => [name, value]));
}
