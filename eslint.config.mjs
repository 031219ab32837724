import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

// Stages in the order of the data flow: each may import what stands before it, never what stands behind.
const stages = [
  'gen',
  'contract',
  'graph',
  'random',
  'architecture',
  'hypernet',
  'starts',
  'plan',
  'decode',
  'stream',
  'server',
];
const zones = stages.flatMap((stage, index) =>
  [...stages.slice(index + 1), 'cli'].map((later) => ({
    target: `./src/${stage}`,
    from: `./src/${later}`,
    message: `src/${stage} comes before src/${later} in the data flow`,
  })),
);
const clientZones = ['architecture', 'hypernet', 'starts', 'plan', 'decode', 'stream', 'server', 'cli'].map(
  (other) => ({
    target: './src/client',
    from: `./src/${other}`,
    message: 'the client knows the server by its contract alone',
  }),
);
// The explorer's page knows the service by its contract alone, and reads ONNX files as the client library does; its server
// stands before the service as any client does.
const explorerZones = [
  {
    target: './web',
    from: './src',
    except: ['./gen/es', './onnx-file'],
    message: 'the page knows the service by its contract alone',
  },
  ...['architecture', 'hypernet', 'plan', 'decode', 'stream', 'server', 'cli'].map((other) => ({
    target: './src/explorer',
    from: `./src/${other}`,
    message: 'the explorer knows the service by its contract alone',
  })),
];

export default tseslint.config(
  {
    ignores: ['dist/', '.build-*/', 'coverage/', 'src/gen/', 'out/', '.venv/', 'python/', '**/node_modules/'],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Typed arrays read within their bounds: an assertion costs nothing, a check on every element does.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones: [...zones, ...clientZones, ...explorerZones] }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'onnxruntime-node',
              message: 'only sessions.ts, product.ts and cli/demo/forward.ts talk to ONNX Runtime',
            },
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'only src/config reads the environment' },
      ],
    },
  },
  {
    files: ['src/{architecture,explorer,graph,hypernet,plan,server,starts}/**/*.ts', 'src/config/**/*.ts'],
    ignores: ['src/architecture/graph-json.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'TemplateLiteral > CallExpression[callee.object.name="JSON"][callee.property.name="stringify"]',
          message:
            'texts quote what others chose with quoted() of src/untrusted-text.ts, which bounds and escapes it',
        },
      ],
    },
  },
  {
    files: [
      'src/hypernet/sessions.ts',
      'src/client/expansion/product.ts',
      'src/cli/commands/demo/forward.ts',
    ],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['src/config/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        module: 'readonly',
        exports: 'writable',
        require: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
      },
    },
  },
);
