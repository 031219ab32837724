#!/usr/bin/env node
// Here before anything is built: npx links a package's command once, and only to a file that exists.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '..', 'dist', 'cli', 'main.js');
const build = join(__dirname, '..', 'scripts', 'build.mjs');
// In a clone, the first command builds.
if (!existsSync(main) && existsSync(build)) {
  console.error('building logah, once');
  spawnSync(process.execPath, [build], { stdio: ['ignore', 2, 2] });
}
if (existsSync(main)) {
  require(main);
} else {
  console.error('error: logah is not built yet; npm run build does that');
  process.exitCode = 1;
}
