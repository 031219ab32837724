/** The slow suites: whole commands and servers over their lives, every shape, long series of draws, faults on purpose. */
const SLOW = [
  '<rootDir>/test/cli/bench.test.ts',
  '<rootDir>/test/cli/check.test.ts',
  '<rootDir>/test/cli/demo.test.ts',
  '<rootDir>/test/cli/end-to-end.test.ts',
  '<rootDir>/test/cli/factors.test.ts',
  '<rootDir>/test/cli/predict.test.ts',
  '<rootDir>/test/cli/usage.test.ts',
  '<rootDir>/test/client/link/resuming-stream.test.ts',
  '<rootDir>/test/decode/draws.test.ts',
  '<rootDir>/test/decode/noise.test.ts',
  '<rootDir>/test/decode/random.test.ts',
  '<rootDir>/test/server/every-shape.test.ts',
  '<rootDir>/test/server/lifecycle.test.ts',
  '<rootDir>/test/server/models/reload.test.ts',
  '<rootDir>/test/server/models/rolling.test.ts',
  '<rootDir>/test/faults/**/*.test.ts',
];

/** @type {import('jest').Config} */
module.exports = {
  testMatch: SLOW,
  // Needs nginx and haproxy: `npm run test:proxies`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/faults/proxies/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }],
  },
  testEnvironment: 'node',
  testTimeout: 60_000,
};
