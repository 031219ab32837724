// Loaded into the server by --require: says, on SIGUSR2, for how long its main thread was last kept from its events, with the
// bytes that it has in V8's heap and outside of it. The time is counted in its own processor time, which Linux tells: on a
// busy machine, waiting for a processor is no fault of it. On SIGPWR, all threads collect their garbage, and it says what is
// resident then, and of that what the heaps and buffers of all threads together take.
const { Buffer } = require('node:buffer');
const { closeSync, openSync, readSync } = require('node:fs');
const { setInterval } = require('node:timers');
const { setTimeout } = require('node:timers/promises');
const { runInNewContext } = require('node:vm');
const { setFlagsFromString } = require('node:v8');
const { BroadcastChannel, isMainThread, threadId } = require('node:worker_threads');

const SETTLE_MS = 300;

const others = new BroadcastChannel('collect');
const answers = new BroadcastChannel('collected');
const collect = () => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
};
if (!isMainThread) {
  others.onmessage = () => {
    collect();
    const { heapUsed, heapTotal, arrayBuffers } = process.memoryUsage();
    answers.postMessage({ threadId, heapUsed, heapTotal, arrayBuffers });
  };
}
// Listening keeps a thread.
others.unref();
answers.unref();

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
  process.on('SIGPWR', async () => {
    const held = new Map();
    answers.onmessage = ({ data }) => held.set(data.threadId, data);
    answers.unref();
    // What the first leaves to finalisers, the second frees; buffers are freed behind its back.
    for (let round = 0; round < 3; round++) {
      held.clear();
      others.postMessage('');
      collect();
      await setTimeout(SETTLE_MS);
    }
    // In its own time, this thread did what nobody waits for.
    look();
    longestMs = 0;
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    const threads = { count: 1 + held.size, heapUsed, heapTotal, arrayBuffers };
    for (const other of held.values()) {
      threads.heapUsed += other.heapUsed;
      threads.heapTotal += other.heapTotal;
      threads.arrayBuffers += other.arrayBuffers;
    }
    process.stdout.write(
      `${JSON.stringify({ msg: 'at rest', rss, heapUsed, external, arrayBuffers, threads })}\n`,
    );
  });
  process.on('exit', () => closeSync(file));
}
