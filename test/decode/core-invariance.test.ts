import { join } from 'node:path';
import fc from 'fast-check';
import { DecodePool } from '../../src/decode/decode-pool';
import { streamKey } from '../../src/random/random';
import { openBundle } from '../../src/hypernet/bundle';
import { coreRows } from '../../src/plan/core';
import { BUNDLE } from '../support/parity-fixtures';

/**
 * That the bits of a core do not depend on what else is decoded with it is a property of ONNX Runtime's matrix product
 * that nobody has promised: another release or processor may change it.
 */

const ROOT = join(__dirname, '..', '..');
const BUNDLES = [
  BUNDLE,
  join(ROOT, 'test', 'fixtures', 'language', 'bundle'),
  ...['vit-fashion', 'gpt2-kjv', 'llama-kjv'].map((name) => join(ROOT, 'models', `logah-tiny-${name}`)),
];
const NODES = 40;

const never = new AbortController().signal;

interface Wanted {
  readonly node: number;
  readonly m: number;
  readonly n: number;
}

describe.each(BUNDLES)('with %s', (directory) => {
  it('a core has the same bits alone and among any others, whatever of them is wanted', async () => {
    const bundle = await openBundle(directory);
    const { hid, rank, ck, slots } = bundle.manifest.hypernet;
    const setup = { bundles: [bundle], placement: { provider: 'cpu' } } as const;
    const pool = await DecodePool.start([setup], () => undefined);
    const nodes = Array.from({ length: NODES }, (_, node) =>
      Float32Array.from({ length: hid }, (__, index) => 3 * Math.sin(1 + node * hid + index)),
    );
    const rowsOf = (rows: number): number => coreRows(rows, { ck, rank }) * rank;
    /** The cores of A and of B, each of what was wanted. */
    const decoded = async (wanted: readonly Wanted[]): Promise<[Float32Array, Float32Array][]> => {
      let bytes = 0;
      const items = wanted.map(({ node, m, n }) => {
        const at = bytes;
        bytes += (rowsOf(m) + rowsOf(n)) * 4;
        const embedding = nodes[node] ?? new Float32Array(hid);
        const block = {
          kind: 'product',
          embedding,
          slot: node % slots,
          m,
          n,
          scaled: undefined,
          noise: undefined,
        } as const;
        return {
          kind: 'core',
          at,
          stream: streamKey(0, ''),
          elementType: 'f32',
          columns: n,
          blocks: [block],
        } as const;
      });
      const buffer = new SharedArrayBuffer(bytes);
      const model = bundle.fingerprint;
      await pool.decode({ kind: 'fill', model, requestKey: 'test', items, buffer }, never);
      return wanted.map(({ m, n }, index) => {
        const values = new Float32Array(buffer, items[index]?.at ?? 0, rowsOf(m) + rowsOf(n));
        return [values.slice(0, rowsOf(m)), values.slice(rowsOf(m))];
      });
    };
    const whole = await decoded(nodes.map((_, node) => ({ node, m: ck, n: ck })));
    const size = fc.integer({ min: 1, max: ck });
    const wanted = fc.record({ node: fc.nat(NODES - 1), m: size, n: size });
    await fc.assert(
      fc.asyncProperty(fc.array(wanted, { minLength: 1, maxLength: 20 }), async (asked) => {
        const parts = await decoded(asked);
        parts.forEach((part, index) => {
          const [a, b] = whole[asked[index]?.node ?? 0] ?? [];
          expect([...part[0]]).toEqual([...(a?.subarray(0, part[0].length) ?? [])]);
          expect([...part[1]]).toEqual([...(b?.subarray(0, part[1].length) ?? [])]);
        });
      }),
      { numRuns: 20 },
    );
    await pool.close();
  });
});
