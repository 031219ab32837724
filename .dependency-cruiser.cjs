/** No circle of imports, those of types included; the order of the stages is a rule of eslint.config.mjs. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'a type that two files need lies in a file below both',
      severity: 'error',
      from: { pathNot: '^src/gen/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'a file that nothing imports is dead, or an entry point that belongs into this list',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^src/gen/', '^web/src/download/download-worker\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
