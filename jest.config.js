/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Need the authors' checkpoints and proxies: `npm run test:parity`, `npm run test:proxies`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/parity/', '<rootDir>/test/faults/proxies/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }],
  },
  testEnvironment: 'node',
  testTimeout: 60_000,
};
