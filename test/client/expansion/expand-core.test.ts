import fc from 'fast-check';
import { checkPlan } from '../../../src/client/checked-plan';
import {
  blockBytes,
  coreRows,
  leadingBytes,
  type CoreBlock,
} from '../../../src/client/expansion/core-blocks';
import { expandCore } from '../../../src/client/expansion/expand-core';
import type { Affine, Multiply } from '../../../src/client/expansion/product';
import { TileMemory } from '../../../src/client/expansion/tiles';
import type { Initialization__Output } from '../../../src/gen/logah/v1/Initialization';
import { addNormals } from '../../../src/random/noise';
import { uniform } from '../../../src/random/random';
import type { Plan__Output } from '../../../src/gen/logah/v1/Plan';
import { prediction } from '../fixtures';

const EXPANSION = { sha256: 'ab'.repeat(32), rows: 12, rank: 3 };

/** Small whole numbers: sums of their products are exact. */
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => ((index * 37 + seed) % 5) - 2);

const LAYER = { expansion: EXPANSION, weight: numbers(36, 1), bias: numbers(12, 4) };

const affine: Affine = ({ weight, bias, expansion: { rank } }, x, first, count) =>
  sums(x, weight.subarray(first * rank, (first + count) * rank), bias.subarray(first, first + count), rank);

const sums = (
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  rank: number,
): Promise<Float32Array> => {
  const n = bias.length;
  const out = new Float32Array((x.length / rank) * n);
  for (let index = 0; index < out.length; index++) {
    const [row, column] = [Math.floor(index / n), index % n];
    let sum = bias[column] ?? NaN;
    for (let k = 0; k < rank; k++) sum += (x[row * rank + k] ?? NaN) * (weight[column * rank + k] ?? NaN);
    out[index] = sum;
  }
  return Promise.resolve(out);
};
const multiply: Multiply = (a, b, rank) => sums(a, b, new Float32Array(b.length / rank), rank);

const place = { row: 0, rows: 1, column: 0, columns: 1 };
const none = { m: 0, n: 0, height: 0, width: 0, start: 0, length: 0, rule: null, lifted: false };

/** Between -0.5 and 0.5. */
const RULE: Initialization__Output = {
  rule: 'RULE_UNIFORM',
  function: 'FUNCTION_UNSPECIFIED',
  bound: 0.5,
  standardDeviation: 0,
  value: 0,
  mean: 0,
  lower: 0,
  upper: 0,
  least: 0,
  start: 0,
  step: 0,
  base: 0,
  divisor: 0,
  interleaved: false,
};

const SCALED = [
  ...['CORE_LAYOUT_MATRIX', 'CORE_LAYOUT_MATRIX_TRANSPOSED', 'CORE_LAYOUT_KERNEL', 'CORE_LAYOUT_POSITIONS'],
];

/** Element (p, q) of a block's product by the definition: every number of a factor on its own. */
function productOf(block: CoreBlock, data: Buffer): (p: number, q: number) => number {
  const { rank, rows } = EXPANSION;
  const scaled = SCALED.includes(block.layout);
  const scale = scaled ? data.readDoubleLE(0) : 1;
  const core = (index: number): number => data.readFloatLE(leadingBytes(block) + index * 4);
  const firstOfB = coreRows(block.m, EXPANSION) * rank;
  const factor = (first: number, flat: number): number => {
    const [row, column] = [Math.floor(flat / rows), flat % rows];
    let sum = LAYER.bias[column] ?? NaN;
    for (let k = 0; k < rank; k++) {
      sum += core(first + row * rank + k) * (LAYER.weight[column * rank + k] ?? NaN);
    }
    return sum;
  };
  return (p, q) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += scale * factor(0, p * rank + k) * factor(firstOfB, q * rank + k);
    return sum;
  };
}

const keyAt = (data: Buffer, at: number): [number, number] => [
  data.readUInt32LE(at),
  data.readUInt32LE(at + 4),
];

/** Element (p, q) of a block, counted in the block, of a tensor with so many columns. */
function elementOf(block: CoreBlock, data: Buffer, columns: number): (p: number, q: number) => number {
  const index = (p: number, q: number): number => (block.row + p) * columns + block.column + q;
  if (block.layout === 'CORE_LAYOUT_RULE') return (p, q) => uniform(keyAt(data, 0), index(p, q), 0.5);
  if (block.lifted) {
    const plain = decodedOf(block, data);
    return (p, q) => {
      const value = Float32Array.of(plain(p, q));
      addNormals(keyAt(data, 16), index(p, q), data.readDoubleLE(8), value);
      return value[0] ?? NaN;
    };
  }
  return decodedOf(block, data);
}

function decodedOf(block: CoreBlock, data: Buffer): (p: number, q: number) => number {
  if (block.layout === 'CORE_LAYOUT_CONSTANT') return () => data.readFloatLE(0);
  if (block.layout === 'CORE_LAYOUT_ELEMENTS') return (p, q) => data.readFloatLE((p * block.columns + q) * 4);
  const { m, n, height: h, width: w, start, length } = block;
  const product = productOf(block, data);
  const vector = (p: number): number => {
    const flat = start + (p % length) * n;
    return product(Math.floor(flat / n), flat % n);
  };
  switch (block.layout) {
    case 'CORE_LAYOUT_KERNEL':
      return (p, q) => {
        const [channel, y, x] = [Math.floor(q / (h * w)), Math.floor(q / w) % h, q % w];
        return product((p % (m / h)) * h + y, (channel % (n / w)) * w + x);
      };
    case 'CORE_LAYOUT_POSITIONS':
      return (p, q) => product(Math.floor(p / m) % m, (q % (n / m)) * m + (p % m));
    case 'CORE_LAYOUT_NORM_WEIGHT':
      return (p) => Math.fround(2 / (1 + Math.exp(-vector(p) / 2)));
    case 'CORE_LAYOUT_BIAS':
      return (p) => Math.fround(Math.tanh(0.2 * vector(p)));
    case 'CORE_LAYOUT_MATRIX_TRANSPOSED':
      return (p, q) => product(q % m, p % n);
    case 'CORE_LAYOUT_MATRIX':
    case 'CORE_LAYOUT_UNSPECIFIED':
    case 'CORE_LAYOUT_RULE':
      return (p, q) => product(p % m, q % n);
  }
}

const size = fc.integer({ min: 1, max: 6 });

/** Blocks of every layout, by a height and a width that may be larger than what is decoded. */
const block = fc
  .record({
    layout: fc.constantFrom(
      'ELEMENTS',
      'CONSTANT',
      'MATRIX',
      'MATRIX_TRANSPOSED',
      'KERNEL',
      'POSITIONS',
      'NORM_WEIGHT',
      'BIAS',
      'RULE',
    ),
    isLifted: fc.boolean(),
    rows: size,
    columns: size,
    m: size,
    n: size,
    h: fc.integer({ min: 1, max: 2 }),
    w: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ layout, rows, columns, m, n, h, w, isLifted }): CoreBlock => {
    const lifted = isLifted && SCALED.includes(`CORE_LAYOUT_${layout}`);
    const base = { ...place, ...none, rows, columns, layout: `CORE_LAYOUT_${layout}`, lifted } as CoreBlock;
    switch (layout) {
      case 'MATRIX':
      case 'MATRIX_TRANSPOSED':
        return { ...base, m, n };
      case 'KERNEL':
        return { ...base, columns: columns * h * w, m: m * h, n: n * w, height: h, width: w };
      case 'POSITIONS':
        return { ...base, m: h + 1, n: (h + 1) * Math.min(n, 4) };
      case 'NORM_WEIGHT':
      case 'BIAS':
        return { ...base, columns: 1, m: 2 * m, n: w, start: w === 1 ? m : 1, length: m };
      case 'RULE':
        return { ...base, rule: RULE };
      case 'ELEMENTS':
      case 'CONSTANT':
        return base;
    }
  });

/** One block below the other; all of them as wide as the first, where that is possible. */
function stack(blocks: readonly CoreBlock[]): CoreBlock[] {
  const columns = blocks[0]?.columns ?? 1;
  let row = 0;
  return blocks
    .filter((other) => other.columns === columns)
    .map((other) => {
      const placed = { ...other, row };
      row += other.rows;
      return placed;
    });
}

const dataOf = (blocks: readonly CoreBlock[]): Buffer[] =>
  blocks.map((one, index) => {
    const bytes = blockBytes(one, EXPANSION, 4);
    const values = Buffer.from(numbers(bytes / 4, index).buffer);
    // A scale that is exact.
    if (SCALED.includes(one.layout)) {
      values.writeDoubleLE(0.5, 0);
      if (one.lifted) values.writeDoubleLE(0.25, 8);
    }
    return values;
  });

function planOf(blocks: CoreBlock[], expansion: Plan__Output['expansion'] = EXPANSION): Plan__Output {
  const rows = blocks.reduce((sum, one) => sum + one.rows, 0);
  const plain = prediction({ w: [rows, blocks[0]?.columns ?? 1] }).plan;
  const [tensor] = plain.tensors;
  if (tensor === undefined) throw new Error('no tensor');
  const bytes = blocks.reduce((sum, one) => sum + blockBytes(one, EXPANSION, 4), 0);
  return { ...plain, expansion, tensors: [{ ...tensor, bytes, core: blocks }], totalBytes: bytes };
}

describe('expanding cores', () => {
  it('gives every element as the contract defines it, in every layout', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 4 }), async (drawn) => {
        const blocks = stack(drawn);
        const plan = checkPlan(planOf(blocks));
        const [tensor] = plan.tensors;
        if (tensor === undefined) throw new Error('no tensor');
        const data = dataOf(blocks);
        const parts: Buffer[] = [];
        const kernels = { multiply, affine };
        for await (const part of expandCore(
          tensor,
          Buffer.concat(data),
          'F32',
          LAYER,
          kernels,
          new TileMemory(),
        ))
          parts.push(Buffer.from(part));
        const expanded = Buffer.concat(parts);
        const [, columns = 1] = tensor.shape;
        for (const [index, one] of blocks.entries()) {
          const element = elementOf(one, data[index] ?? Buffer.alloc(0), columns);
          for (let p = 0; p < one.rows; p++) {
            for (let q = 0; q < one.columns; q++) {
              expect(expanded.readFloatLE(((one.row + p) * columns + q) * 4)).toBeCloseTo(element(p, q), 5);
            }
          }
        }
      }),
    );
  });

  const matrix = {
    ...place,
    ...none,
    rows: 8,
    columns: 6,
    layout: 'CORE_LAYOUT_MATRIX',
    m: 2,
    n: 3,
  } as const;

  it.each<[string, Partial<CoreBlock>]>([
    ['do not cover the tensor', { row: 1 }],
    ['are wider than it', { columns: 7 }],
    ['have no rows of A', { m: 0 }],
    ['have more rows of B than the expansion makes', { n: 13 }],
    ['have a layout that is not known', { layout: 'CORE_LAYOUT_UNSPECIFIED' }],
    ['have kernels that do not divide', { layout: 'CORE_LAYOUT_KERNEL', height: 3, width: 1 }],
    ['have a rule that is missing', { layout: 'CORE_LAYOUT_RULE' }],
    [
      'have a rule of no finite numbers',
      { layout: 'CORE_LAYOUT_RULE', rule: { ...RULE, rule: 'RULE_NORMAL', standardDeviation: NaN } },
    ],
    [
      'have a rule with a function that it does not take',
      { layout: 'CORE_LAYOUT_RULE', rule: { ...RULE, function: 'FUNCTION_LOG' } },
    ],
    ['have noise on a vector', { layout: 'CORE_LAYOUT_BIAS', columns: 6, lifted: true }],
    ['have a vector beyond its product', { layout: 'CORE_LAYOUT_BIAS', start: 5, length: 3 }],
  ])('is refused for blocks that %s', (_, change) => {
    const plan = planOf([{ ...matrix, ...change }]);
    const [tensor] = plan.tensors;
    if (tensor === undefined) throw new Error('no tensor');
    const fixed = { ...plan, tensors: [{ ...tensor, shape: [8, 6], sentShape: [8, 6] }] };
    expect(() => checkPlan(fixed)).toThrow(/"w": core is 1 blocks, expected blocks that cover \(8, 6\)/);
  });

  it('is refused without an expansion, or with one that cannot be', () => {
    expect(() => checkPlan(planOf([matrix], null))).toThrow(/plan.expansion is missing/);
    expect(() => checkPlan(planOf([matrix], { ...EXPANSION, sha256: '../x' }))).toThrow(/plan.expansion is/);
    expect(() => checkPlan(planOf([matrix], { ...EXPANSION, rows: 2 ** 31 }))).toThrow(/plan.expansion is/);
  });
});
