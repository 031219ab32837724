import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Both `src/cli/` and `dist/cli/` lie two levels below the package. */
const PACKAGE_ROOT = join(__dirname, '..', '..');

/** An absolute path inside the package. */
export function packagePath(...segments: string[]): string {
  return join(PACKAGE_ROOT, ...segments);
}

/** The package's version. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  return version;
}
