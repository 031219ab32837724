// Assembles each .wat file into the TypeScript file beside it.
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { URL } from 'node:url';
import wabtModule from 'wabt';

const MODULES = [
  { folder: 'checksum', name: 'fold' },
  { folder: 'narrowing', name: 'narrow' },
  { folder: 'product', name: 'product' },
];

const wabt = await wabtModule();
for (const { folder, name } of MODULES) {
  const source = new URL(`../src/${folder}/${name}.wat`, import.meta.url);
  const target = new URL(`../src/${folder}/${name}-wasm.ts`, import.meta.url);
  const module = wabt.parseWat(`${name}.wat`, readFileSync(source, 'utf8'), { simd: true });
  const { buffer } = module.toBinary({});
  const text = Buffer.from(buffer).toString('base64');
  writeFileSync(
    target,
    `/** Assembled from ${name}.wat by \`npm run generate:wasm\`; do not edit. */\n\n` +
      `export const ${name.toUpperCase()}_WASM =\n  '${text}';\n`,
  );
}
