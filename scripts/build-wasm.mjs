// Assembles src/checksum/fold.wat into src/checksum/fold-wasm.ts.
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { URL } from 'node:url';
import wabtModule from 'wabt';

const source = new URL('../src/checksum/fold.wat', import.meta.url);
const target = new URL('../src/checksum/fold-wasm.ts', import.meta.url);

const wabt = await wabtModule();
const module = wabt.parseWat('fold.wat', readFileSync(source, 'utf8'), { simd: true });
const { buffer } = module.toBinary({});
const text = Buffer.from(buffer).toString('base64');
writeFileSync(
  target,
  `/** Assembled from fold.wat by \`npm run generate:wasm\`; do not edit. */\n\nexport const FOLD_WASM =\n  '${text}';\n`,
);
