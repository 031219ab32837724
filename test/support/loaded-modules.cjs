/** Writes the packages that a process has loaded to its standard error when it ends. */
const { isMainThread } = require('node:worker_threads');

process.once('exit', () => {
  if (!isMainThread) return;
  const packages = Object.keys(require.cache).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  );
  process.stderr.write(`loaded ${[...new Set(packages)].join(' ')}\n`);
});
