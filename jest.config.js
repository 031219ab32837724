/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Needs the authors' checkpoints: `npm run test:parity`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/parity/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }],
  },
  testEnvironment: 'node',
  testTimeout: 60_000,
};
