// Writes docs/architectures.md from the compiled front-ends; with --check, fails where it differs instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { onnxOperators } from './architectures/onnx-operators.mjs';
import { transformersConfigs } from './architectures/transformers-configs.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const path = join(root, 'docs', 'architectures.md');

/** Each gives the Markdown blocks of a section. */
const sections = [transformersConfigs, onnxOperators];

const text = [
  '# Architectures that the service reads',
  'Written by `npm run architectures`; do not edit. What is predicted, what a rule fills, and what is refused.',
  ...sections.flatMap((section) => section(root)),
].join('\n\n');
const formatted = await format(`${text}\n`, {
  ...(await resolveConfig(path)),
  parser: 'markdown',
  printWidth: 120,
  proseWrap: 'always',
});

if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== formatted) {
    process.stderr.write('docs/architectures.md is not what npm run architectures writes\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, formatted);
}
