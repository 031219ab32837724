// Loaded into the server by --require, and so into its workers: makes one of them fail when it decodes a tile of
// LOGAH_TEST_FAULT_ROWS rows. LOGAH_TEST_FAULT says how: "throw" from within the job, or "exit" from the thread.
const process = require('node:process');
const { isMainThread, parentPort } = require('node:worker_threads');

const { LOGAH_TEST_FAULT: fault, LOGAH_TEST_FAULT_ROWS: rows } = process.env;

if (!isMainThread && fault !== undefined) {
  const on = parentPort.on.bind(parentPort);
  parentPort.on = (event, listener) =>
    on(event, (message) => {
      const item = message?.job?.items?.find(
        ({ kind, rows: count }) => kind === 'tile' && count === Number(rows),
      );
      if (item !== undefined) {
        if (fault === 'exit') process.exit(7);
        // As native code would: in the midst of the job.
        Object.defineProperty(item, 'parts', {
          get() {
            throw new Error('bad allocation at /secret/path');
          },
        });
      }
      listener(message);
    });
}
