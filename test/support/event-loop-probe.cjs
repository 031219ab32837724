// Loaded into the server by --require: says, on SIGUSR2, for how long its main thread was last kept from its events.
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  const RESOLUTION_MS = 1;
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  process.on('SIGUSR2', () => {
    const longestMs = Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
    delays.reset();
    process.stdout.write(`${JSON.stringify({ msg: 'event loop', longestMs })}\n`);
  });
}
