// Loaded into the server by --require: says, on SIGUSR2, for how long its main thread was last kept from its events, with the
// bytes that it has in V8's heap and outside of it. The time is counted in its own processor time, which Linux tells: on a
// busy machine, waiting for a processor is no fault of it.
const { Buffer } = require('node:buffer');
const { closeSync, openSync, readSync } = require('node:fs');
const { setInterval } = require('node:timers');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const buffer = Buffer.alloc(64);
  const processorMs = () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return Number(buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  };
  let last = processorMs();
  let longestMs = 0;
  const look = () => {
    const now = processorMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  };
  setInterval(look, 1).unref();
  process.on('SIGUSR2', () => {
    look();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    process.stdout.write(
      `${JSON.stringify({ msg: 'event loop', longestMs, heapUsed, external, arrayBuffers })}\n`,
    );
    longestMs = 0;
  });
  process.on('exit', () => closeSync(file));
}
