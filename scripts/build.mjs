// Compiles src/ to dist/. Until that is done, what was built before stays there and works.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const scratch = mkdtempSync(join(root, '.build-'));
// Not from within a handler of its own: a compiler that fails throws.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
const built = join(scratch, 'new');
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', built],
  { cwd: root, stdio: 'inherit' },
);
chmodSync(join(built, 'cli/main.js'), 0o755);
try {
  renameSync(dist, join(scratch, 'old'));
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(built, dist);
