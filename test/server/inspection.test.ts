/** InspectTensors over a real port: what it says of tensors is what their bytes say. */

import { status, type ServiceError } from '@grpc/grpc-js';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectTensorsRequest } from '../../src/gen/logah/v1/InspectTensorsRequest';
import type { InspectTensorsResponse__Output } from '../../src/gen/logah/v1/InspectTensorsResponse';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import type { TensorInspection__Output } from '../../src/gen/logah/v1/TensorInspection';
import { predictAll } from '../support/predicted';
import { describeFailure } from '../support/refused-call';
import { startServer, type ServerProcess } from '../support/server-process';

const BUNDLE = join(__dirname, '../fixtures/parity/bundle');

/** Fused projections, tiling in both dimensions, several tiles a tensor, tied weights. */
const GPT2 = { model_type: 'gpt2', n_embd: 96, n_layer: 2, n_head: 3, vocab_size: 20_011, n_positions: 64 };
/** Kernels, positions of three dimensions, a token by rule. */
const VIT = {
  model_type: 'vit',
  hidden_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 3,
  intermediate_size: 384,
  image_size: 32,
  patch_size: 4,
};

/** Kernels of several heights, and of more channels than are decoded. */
const RESNET = {
  model_type: 'resnet',
  embedding_size: 40,
  hidden_sizes: [40, 80],
  depths: [1, 1],
  layer_type: 'bottleneck',
  num_labels: 5,
};

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-inspection-'));
  await cp(BUNDLE, join(directory, 'parity-logah'), { recursive: true });
  server = await startServer({ models: directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const requestFor = (config: object, more: Partial<PredictRequest> = {}): PredictRequest => ({
  architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) },
  seed: 7,
  selection: { patterns: ['*'] },
  ...more,
});

function inspect(request: InspectTensorsRequest): Promise<TensorInspection__Output[]> {
  return new Promise((resolve, reject) => {
    const tensors: TensorInspection__Output[] = [];
    const call = server.stub.InspectTensors(request);
    call.on('data', ({ tensor }: InspectTensorsResponse__Output) => {
      if (tensor !== null) tensors.push(tensor);
    });
    call.on('error', reject);
    call.on('end', () => {
      resolve(tensors);
    });
  });
}

async function refusalOf(request: InspectTensorsRequest): Promise<string[]> {
  const error = await inspect(request).then(
    () => {
      throw new Error('it was not refused');
    },
    (refused: unknown) => refused as ServiceError,
  );
  expect(error.code).toBe(status.INVALID_ARGUMENT);
  return describeFailure(error).violations.map(({ field, description }) => `${field} ${description}`);
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function matrixOf(shape: readonly number[]): { rows: number; columns: number } {
  const all = shape.reduce((product, size) => product * size, 1);
  if (shape.length < 2) return { rows: 1, columns: all };
  const rows = (shape.length === 3 && shape[0] === 1 ? shape[1] : shape[0]) ?? 1;
  return { rows, columns: all / rows };
}

describe('InspectTensors', () => {
  it.each([
    ['a GPT-2', requestFor(GPT2)],
    ['a ViT', requestFor(VIT)],
    ['lifted weights', requestFor(VIT, { lift: 0.5 })],
    ['weak weights on a base', requestFor(VIT, { strength: 0.3, base: 1 })],
    ['one rank’s rows', requestFor(GPT2, { shard: { index: 1, count: 3 } })],
    [
      'a box',
      requestFor(GPT2, {
        selection: { patterns: ['transformer.h.0.attn.c_attn.weight'] },
        slices: [{ name: 'transformer.h.0.attn.c_attn.weight', start: [5, 17], end: [90, 201] }],
      }),
    ],
  ])('says of %s what the bytes say', async (_, request) => {
    const [predicted, inspected] = await Promise.all([
      predictAll(server.client, request),
      inspect({ request, histogramBins: 9, pictureRows: 7, pictureColumns: 5 }),
    ]);
    const sent = predicted.plan.tensors.filter((tensor) => tensor.sent);
    expect(inspected.map(({ name }) => name)).toEqual(sent.map(({ name }) => name));
    for (const tensor of inspected) checkAgainst(tensor, floats(predicted.tensor(tensor.name)));
  });

  it('says in every message how many tensors there are', async () => {
    const messages: InspectTensorsResponse__Output[] = [];
    for await (const message of server.stub.InspectTensors({ request: requestFor(VIT) })) {
      messages.push(message as InspectTensorsResponse__Output);
    }
    expect(new Set(messages.map(({ tensors }) => tensors))).toEqual(new Set([messages.length]));
  });

  it('gives several tensors bins in the same places where a range is asked for', async () => {
    const request = requestFor(GPT2, { selection: { patterns: ['*.c_proj.weight'] } });
    const { tensor } = await predictAll(server.client, request);
    const inspected = await inspect({ request, histogramBins: 4, histogramLow: -0.01, histogramHigh: 0.01 });
    expect(inspected.length).toBe(4);
    for (const { name, histogram } of inspected) {
      const values = floats(tensor(name));
      expect(histogram).toMatchObject({ low: -0.01, high: 0.01 });
      expect(histogram?.below).toBe(values.filter((value) => value < -0.01).length);
      expect(histogram?.above).toBe(values.filter((value) => value > 0.01).length);
      expect(histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(
        values.filter((value) => value >= -0.01 && value <= 0.01).length,
      );
    }
  });

  it('has the singular values of the matrices themselves, joined from blocks, repeated or not', async () => {
    const request = requestFor(GPT2, { selection: { patterns: ['*.weight'] } });
    const { tensor } = await predictAll(server.client, request);
    const inspected = await inspect({ request, singularValues: 256 });
    const withSpectrum = inspected.filter(({ spectrum }) => spectrum !== null);
    expect(withSpectrum.map(({ name }) => name)).toEqual(
      inspected.filter(({ shape }) => shape.length === 2).map(({ name }) => name),
    );
    for (const { name, shape, spectrum } of withSpectrum) {
      const [rows = 0, columns = 0] = shape;
      const values = floats(tensor(name));
      const squares = values.reduce((sum, value) => sum + value * value, 0);
      const own = spectrum?.values ?? [];
      expect(spectrum?.squares).toBeCloseTo(squares, 4 - Math.ceil(Math.log10(squares)));
      expect(own.length).toBe(spectrum?.rank);
      expect(own.reduce((sum, value) => sum + value * value, 0) / squares).toBeCloseTo(1, 5);
      expect([...own].sort((a, b) => b - a)).toEqual(own);
      expect(
        own.reduce((sum, value) => sum + value ** 4, 0) / fourthPowers(values, rows, columns),
      ).toBeCloseTo(1, 5);
    }
  });

  it('has the singular values of kernels as matrices of their outputs, repeated or not', async () => {
    const requests = [
      requestFor(VIT, { selection: { patterns: ['*.projection.weight'] } }),
      requestFor(RESNET, { selection: { patterns: ['*.convolution.weight'] } }),
    ];
    const shapes: string[] = [];
    for (const request of requests) {
      const { tensor } = await predictAll(server.client, request);
      for (const { name, shape, spectrum } of await inspect({ request, singularValues: 256 })) {
        const values = floats(tensor(name));
        const { rows, columns } = matrixOf(shape);
        const squares = values.reduce((sum, value) => sum + value * value, 0);
        const own = spectrum?.values ?? [];
        expect(own.length).toBe(spectrum?.rank);
        expect((spectrum?.squares ?? 0) / squares).toBeCloseTo(1, 5);
        expect(own.reduce((sum, value) => sum + value * value, 0) / squares).toBeCloseTo(1, 5);
        expect(
          own.reduce((sum, value) => sum + value ** 4, 0) / fourthPowers(values, rows, columns),
        ).toBeCloseTo(1, 5);
        shapes.push(shape.slice(2).join('x'));
      }
    }
    expect([...new Set(shapes)].sort()).toEqual(['1x1', '3x3', '4x4', '7x7']);
  });

  it('leaves singular values out where they do not follow from factors', async () => {
    const lifted = requestFor(GPT2, { lift: 0.1, selection: { patterns: ['*.c_fc.weight'] } });
    const cut = requestFor(GPT2, {
      selection: { patterns: ['*.c_fc.weight'] },
      shard: { index: 0, count: 2 },
    });
    const vectors = requestFor(GPT2, { selection: { patterns: ['*.bias'] } });
    const based = requestFor(GPT2, { base: 1, selection: { patterns: ['*.c_fc.weight'] } });
    for (const request of [lifted, based, cut, vectors]) {
      for (const { spectrum } of await inspect({ request, singularValues: 4 })) expect(spectrum).toBeNull();
    }
  });

  it('names each field that is wrong', async () => {
    const request = requestFor(GPT2);
    expect(
      await refusalOf({
        request,
        histogramBins: 1025,
        histogramLow: 1,
        histogramHigh: 1,
        pictureRows: 2000,
        singularValues: 300,
      }),
    ).toEqual([
      'histogram_bins is 1025; at most 1024 is allowed',
      'picture_rows is 2000; at most 1024 is allowed',
      'singular_values is 300; at most 256 is allowed',
      'picture_columns is 0 where picture_rows is 2000; 1 to 1024 is allowed',
      'histogram_high is 1 where histogram_low is 1; both must be finite, and the first below the second',
    ]);
    expect(await refusalOf({ request, histogramLow: 0 })).toEqual([
      'histogram_high is missing; histogram_low and histogram_high go together',
    ]);
    expect(await refusalOf({})).toEqual(['request is missing']);
    expect(await refusalOf({ request: { ...request, selection: null } })).toEqual([
      'selection is missing; it must match 1 to 256 tensors',
    ]);
    expect(await refusalOf({ request: { ...request, resume: { fingerprint: 'a' } } })).toEqual([
      'resume is set; it is not allowed here',
    ]);
    expect(await refusalOf({ request: requestFor({ ...GPT2, n_layer: 24 }) })).toEqual([
      expect.stringMatching(/^selection matches \d+ tensors that are sent; 1 to 256 are allowed$/),
    ]);
  });
});

describe('Plan', () => {
  it('has the graph where it is asked for, with a parameter for each tensor', async () => {
    const request = requestFor(GPT2);
    const answer = await new Promise<{ names: string[]; parameters: string[]; nodes: number }>(
      (resolve, reject) => {
        server.stub.Plan({ request, graph: true }, (error, response) => {
          if (error) reject(error);
          else
            resolve({
              names: response?.plan?.tensors.map(({ name }) => name) ?? [],
              parameters: response?.graph?.parameters.map(({ name }) => name) ?? [],
              nodes: (response?.graph?.nodes.length ?? 0) - (response?.plan?.nodes ?? 0),
            });
        });
      },
    );
    expect(answer.names.length).toBeGreaterThan(20);
    expect(answer.parameters).toEqual(answer.names);
    expect(answer.nodes).toBe(0);
  });
});

function checkAgainst(tensor: TensorInspection__Output, values: Float32Array): void {
  const { name, shape, elements, histogram, picture } = tensor;
  expect([name, elements]).toEqual([name, values.length]);
  expect(tensor.minimum).toBe(Math.min(...chunked(values, Math.min)));
  expect(tensor.maximum).toBe(Math.max(...chunked(values, Math.max)));
  expect(tensor.zeros).toBe(values.filter((value) => value === 0).length);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const scale = Math.max(Math.abs(tensor.minimum), Math.abs(tensor.maximum)) || 1;
  expect((tensor.mean - mean) / scale).toBeCloseTo(0, 9);
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
  expect((tensor.standardDeviation - deviation) / scale).toBeCloseTo(0, 9);
  expect(histogram).toMatchObject({ low: tensor.minimum, high: tensor.maximum, below: 0, above: 0 });
  expect(histogram?.counts).toEqual(binsOf(values, tensor.minimum, tensor.maximum, 9));
  const { rows, columns } = matrixOf(shape);
  expect(picture).toMatchObject({
    rows: Math.min(7, rows),
    columns: Math.min(5, columns),
    matrixRows: rows,
    matrixColumns: columns,
  });
  checkCells(tensor, values);
}

function checkCells({ picture, name }: TensorInspection__Output, values: Float32Array): void {
  if (picture === null) throw new Error(`${name} has no picture`);
  const { rows, columns, matrixRows, matrixColumns } = picture;
  const cells = Array.from({ length: rows * columns }, () => ({
    sum: 0,
    count: 0,
    low: Infinity,
    high: -Infinity,
  }));
  for (const [index, value] of values.entries()) {
    const row = Math.floor((Math.floor(index / matrixColumns) * rows) / matrixRows);
    const column = Math.floor(((index % matrixColumns) * columns) / matrixColumns);
    const cell = cells[row * columns + column];
    if (cell === undefined) throw new Error('an element lies in no cell');
    cell.sum += value;
    cell.count++;
    cell.low = Math.min(cell.low, value);
    cell.high = Math.max(cell.high, value);
  }
  expect([...floats(picture.minima)]).toEqual(cells.map(({ low }) => low));
  expect([...floats(picture.maxima)]).toEqual(cells.map(({ high }) => high));
  const means = floats(picture.means);
  cells.forEach(({ sum, count, low, high }, index) => {
    const scale = Math.max(Math.abs(low), Math.abs(high)) || 1;
    expect(((means[index] ?? NaN) - sum / count) / scale).toBeCloseTo(0, 6);
  });
}

function binsOf(values: Float32Array, low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = high > low ? Math.min(bins - 1, Math.floor((value - low) * (bins / (high - low)))) : 0;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function* chunked(values: Float32Array, of: (...values: number[]) => number): Generator<number> {
  for (let start = 0; start < values.length; start += 10_000)
    yield of(...values.subarray(start, start + 10_000));
}

/** The sum of the fourth powers of the singular values: the squares of all elements of Mᵀ · M. */
function fourthPowers(values: Float32Array, rows: number, columns: number): number {
  const isWide = columns > rows;
  const [long, short] = isWide ? [columns, rows] : [rows, columns];
  const at = (k: number, i: number): number => values[isWide ? i * columns + k : k * columns + i] as number;
  let sum = 0;
  for (let i = 0; i < short; i++) {
    for (let j = 0; j < short; j++) {
      let product = 0;
      for (let k = 0; k < long; k++) product += at(k, i) * at(k, j);
      sum += product * product;
    }
  }
  return sum;
}
