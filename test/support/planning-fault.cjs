// Loaded into the server by --require, and so into its threads: the planning thread ends at a request that names the model
// LOGAH_TEST_FAULT_MODEL.
const { Buffer } = require('node:buffer');
const process = require('node:process');
const { isMainThread, parentPort } = require('node:worker_threads');

const { LOGAH_TEST_FAULT_MODEL: model } = process.env;

if (!isMainThread && model !== undefined) {
  const on = parentPort.on.bind(parentPort);
  parentPort.on = (event, listener) =>
    on(event, (message) => {
      if (message?.kind === 'plan' && Buffer.from(message.task.bytes).includes(model)) process.exit(7);
      listener(message);
    });
}
