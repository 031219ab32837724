#!/usr/bin/env node
// Here before anything is built: npx links a package's command once, and only to a file that exists.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '..', 'dist', 'cli', 'main.js');
if (existsSync(main)) {
  require(main);
} else {
  console.error('error: logah is not built yet; npm run build does that');
  process.exitCode = 1;
}
