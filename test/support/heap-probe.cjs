// Loaded into the server by --require: collects garbage on SIGUSR2 and says what of the main thread's heap is in use.
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    // What a finalizer lets go, the second finds.
    collect();
    collect();
    process.stdout.write(`${JSON.stringify({ msg: 'heap', used: process.memoryUsage().heapUsed })}\n`);
  });
}
