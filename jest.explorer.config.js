const slow = require('./jest.slow.config.js');

/**
 * The explorer in a browser: needs Chromium (`LOGAH_CHROMIUM`, or `/usr/bin/chromium`, a package of Debian's).
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...slow,
  testMatch: ['<rootDir>/test/explorer/browser/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
};
