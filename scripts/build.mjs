// Compiles src/ to dist/, and the explorer's page in web/ to dist/explorer/page. Until that is done, what was built before
// stays there and works.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const scratch = mkdtempSync(join(root, '.build-'));
// Not from within a handler of its own: a compiler that fails throws.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
const built = join(scratch, 'new');
const page = join(built, 'explorer', 'page');
// Both to their end: one that goes on would write into what is cleaned up.
const results = await Promise.allSettled([
  run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', built]),
  run(['node_modules/vite/bin/vite.js', 'build', 'web', '--logLevel', 'warn', '--outDir', page]),
]);
const failed = results.find(({ status }) => status === 'rejected');
if (failed !== undefined) {
  console.error(`error: ${failed.reason.message}`);
  process.exit(1);
}
chmodSync(join(built, 'cli/main.js'), 0o755);
try {
  renameSync(dist, join(scratch, 'old'));
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(built, dist);

/** Runs a program of Node.js's; rejects where it fails. */
function run(parameters) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, parameters, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${parameters[0]} ended with code ${code}`));
    });
  });
}
