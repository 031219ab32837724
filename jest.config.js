const slow = require('./jest.slow.config.js');

/**
 * What a change is tested with in a minute or two: all but the slow suites (`npm run test:slow`), and what needs the
 * authors' checkpoints (`npm run test:parity`), proxies (`npm run test:proxies`) or a browser
 * (`npm run test:explorer`).
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...slow,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/parity/',
    '<rootDir>/test/faults/proxies/',
    '<rootDir>/test/explorer/browser/',
    // Patterns, in which a folder's beginning is enough.
    ...slow.testMatch.map((path) => path.replace('**/*.test.ts', '')),
  ],
};
