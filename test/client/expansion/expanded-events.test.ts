import fc from 'fast-check';
import { connect, type PredictionEvent } from '../../../src/client';
import { checkPlan, type CheckedPlan } from '../../../src/client/checked-plan';
import { expandTensor } from '../../../src/client/expansion/expand-tensor';
import { expandedEvents } from '../../../src/client/expansion/expanded-events';
import { TileMemory } from '../../../src/client/expansion/tiles';
import { predictionEvents } from '../../../src/client/prediction-events';
import type { Multiply } from '../../../src/client/expansion/product';
import type { TensorPlan__Output } from '../../../src/gen/logah/v1/TensorPlan';
import { messagesOf, prediction, summaryOf } from '../fixtures';

/** The definition, in double precision. */
const multiply: Multiply = (a, b, rank) => {
  const n = b.length / rank;
  const out = new Float32Array((a.length / rank) * n);
  for (let index = 0; index < out.length; index++) {
    const [row, column] = [Math.floor(index / n), index % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += (a[row * rank + k] ?? NaN) * (b[column * rank + k] ?? NaN);
    out[index] = sum;
  }
  return Promise.resolve(out);
};

const floatsOf = (bytes: Buffer): number[] => [
  ...new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
];

/** A tensor [rows, columns] of blocks side by side or one below the other, and its factors. */
const factored = fc
  .record({
    rank: fc.integer({ min: 1, max: 4 }),
    sideBySide: fc.boolean(),
    across: fc.integer({ min: 1, max: 9 }),
    blocks: fc.array(
      fc.record({
        length: fc.integer({ min: 1, max: 9 }),
        m: fc.integer({ min: 1, max: 9 }),
        n: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    seed: fc.integer({ min: 0, max: 1000 }),
  })
  .map(({ rank, sideBySide, across, blocks, seed }) => {
    let at = 0;
    const factors = blocks.map(({ length, m, n }) => {
      const [row, column] = sideBySide ? [0, at] : [at, 0];
      const [rows, columns] = sideBySide ? [across, length] : [length, across];
      at += length;
      return { row, rows, column, columns, m: Math.min(m, rows), n: Math.min(n, columns), rank };
    });
    const count = factors.reduce((sum, { m, n }) => sum + (m + n) * rank, 0);
    const values = Float32Array.from({ length: count }, (_, index) => ((index * 37 + seed) % 19) - 9);
    return { shape: sideBySide ? [across, at] : [at, across], factors, values };
  });

function tensorOf(
  shape: number[],
  factors: TensorPlan__Output['factors'],
  bytes: number,
): TensorPlan__Output {
  const [tensor] = prediction({ w: shape }).plan.tensors;
  if (!tensor) throw new Error('no tensor');
  return { ...tensor, factors, bytes };
}

/** Element by element, as the contract defines it. */
function byDefinition(
  shape: number[],
  factors: TensorPlan__Output['factors'],
  values: Float32Array,
): number[] {
  const [rows = 0, columns = 0] = shape;
  const dense = new Array<number>(rows * columns).fill(NaN);
  let at = 0;
  for (const block of factors) {
    const b = at + block.m * block.rank;
    for (let p = 0; p < block.rows; p++) {
      for (let q = 0; q < block.columns; q++) {
        let sum = 0;
        for (let k = 0; k < block.rank; k++) {
          const left = values[at + (p % block.m) * block.rank + k] ?? NaN;
          sum += left * (values[b + (q % block.n) * block.rank + k] ?? NaN);
        }
        dense[(block.row + p) * columns + block.column + q] = sum;
      }
    }
    at = b + block.n * block.rank;
  }
  return dense;
}

describe('expanding factors', () => {
  it('gives every element as the contract defines it, repeated rows and columns included', async () => {
    await fc.assert(
      fc.asyncProperty(factored, async ({ shape, factors, values }) => {
        const bytes = Buffer.from(values.buffer);
        const parts: Buffer[] = [];
        const tensor = tensorOf(shape, factors, bytes.length);
        for await (const part of expandTensor(tensor, bytes, 'F32', multiply, new TileMemory()))
          parts.push(Buffer.from(part));
        expect(floatsOf(Buffer.concat(parts))).toEqual(byDefinition(shape, factors, values));
      }),
    );
  });

  it('turns a stream of factors into the events of the dense prediction', async () => {
    const plain = prediction({ a: [3], w: [8, 6], z: [5] });
    const factors = [{ row: 0, rows: 8, column: 0, columns: 6, m: 2, n: 3, rank: 1 }];
    const values = Float32Array.of(1, 2, 3, 4, 5);
    const [a, w, z] = plain.plan.tensors;
    if (!a || !w || !z) throw new Error('no tensors');
    const sent = {
      plan: {
        ...plain.plan,
        tensors: [a, { ...w, factors, bytes: 20 }, { ...z, offset: 32 }],
        totalBytes: 52,
        factorBytes: 52,
      },
      data: Buffer.concat([Buffer.alloc(12, 1), Buffer.from(values.buffer), Buffer.alloc(20, 2)]),
    };
    async function* messages(): AsyncGenerator<ReturnType<typeof messagesOf>[number]> {
      for (const message of messagesOf(sent, 7)) yield await Promise.resolve(message);
    }
    const limits = { chunkBytes: 1024, sha256: true };
    const events: PredictionEvent[] = [];
    const expanded = expandedEvents(
      predictionEvents(messages(), limits),
      () => Promise.resolve({ multiply, affine: () => Promise.reject(new Error('no cores')) }),
      () => Promise.reject(new Error('no cores')),
    );
    for await (const event of expanded) events.push(event);

    expect(events[0]).toMatchObject({ kind: 'plan', plan: { totalBytes: 224 } });
    const plan = (events[0] as { plan: CheckedPlan }).plan;
    expect(checkPlan(plan).tensors.map(({ offset, bytes }) => [offset, bytes])).toEqual([
      [0, 12],
      [12, 192],
      [204, 20],
    ]);
    let position = 0;
    const parts: Buffer[] = [];
    for (const event of events) {
      if (event.kind !== 'data') continue;
      expect(event.offset).toBe(position);
      position += event.data.length;
      parts.push(event.data);
    }
    const data = Buffer.concat(parts);
    expect(data.subarray(0, 12)).toEqual(Buffer.alloc(12, 1));
    expect(data.subarray(204)).toEqual(Buffer.alloc(20, 2));
    expect(floatsOf(data.subarray(12, 204))).toEqual(byDefinition([8, 6], factors, values));
    expect(events.at(-1)).toEqual({ kind: 'summary', summary: summaryOf(sent) });
  });

  it.each<[string, Partial<TensorPlan__Output['factors'][number]>]>([
    ['do not cover the matrix', { rows: 7 }],
    ['reach beyond it', { row: 1 }],
    ['have no rank', { rank: 0 }],
    ['have no rows', { m: 0 }],
  ])('is refused for factors that %s', (_, change) => {
    const block = { row: 0, rows: 8, column: 0, columns: 6, m: 2, n: 3, rank: 1, ...change };
    const plain = prediction({ w: [8, 6] });
    const bytes = (block.m + block.n) * block.rank * 4;
    const [w] = plain.plan.tensors;
    if (!w) throw new Error('no tensor');
    const plan = { ...plain.plan, tensors: [{ ...w, factors: [block], bytes }], totalBytes: bytes };
    expect(() => checkPlan(plan)).toThrow(
      /"w": factors is 1 blocks of .* expected blocks that cover \(8, 6\)/,
    );
  });
});

it('a client that asks for nothing else connects without ONNX Runtime', () => {
  connect('127.0.0.1:1').close();
  expect(Object.keys(require.cache).some((path) => path.includes('onnxruntime'))).toBe(false);
});
