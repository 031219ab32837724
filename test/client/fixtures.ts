import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Plan__Output } from '../../src/gen/logah/v1/Plan';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import type { Summary__Output } from '../../src/gen/logah/v1/Summary';
import type { TensorPlan__Output } from '../../src/gen/logah/v1/TensorPlan';

/** A small prediction in float32: its plan and its data, from which tests make right and wrong streams. */
export interface Prediction {
  readonly plan: Plan__Output;
  readonly data: Buffer;
}

const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

/** Tensors of the given names and shapes, all predicted; `tied` shares the storage of the first. Byte i of the data is i % 251. */
export function prediction(
  shapes: Readonly<Record<string, readonly number[]>> | Shapes,
  tied?: string,
): Prediction {
  let offset = 0;
  const entries: Shapes = Array.isArray(shapes) ? (shapes as Shapes) : Object.entries(shapes);
  const tensors = entries.map(([name, shape]): TensorPlan__Output => {
    const elements = elementCount(shape);
    const tensor: TensorPlan__Output = {
      name,
      shape: [...shape],
      source: 'SOURCE_PREDICTED',
      rank: shape.length > 1 ? 16 : 0,
      bytes: elements * 4,
      offset,
      tiedTo: '',
      sent: true,
      predictedElements: elements,
      tiledElements: 0,
      initializedElements: 0,
      startedElements: 0,
      sentStart: shape.map(() => 0),
      sentShape: [...shape],
      factors: [],
      core: [],
      view: [],
    };
    offset += tensor.bytes;
    return tensor;
  });
  const parameters = offset / 4;
  const first = tensors[0];
  if (tied && first) {
    tensors.push({
      ...first,
      name: tied,
      source: 'SOURCE_TIED',
      tiedTo: first.name,
      sent: false,
      bytes: 0,
      predictedElements: 0,
      sentStart: [],
      sentShape: [],
    });
  }
  const plan: Plan__Output = {
    model: 'tiny',
    fingerprint: 'ab'.repeat(32),
    dtype: 'DATA_TYPE_FLOAT32',
    tensors,
    totalBytes: offset,
    coverage: {
      parameters,
      predicted: parameters,
      tiled: 0,
      initialized: 0,
      tied: tied && first ? elementCount(first.shape) : 0,
      kept: 0,
    },
    warnings: [],
    nodes: 3,
    denseBytes: offset,
    factorBytes: offset,
    coreBytes: offset,
    expansion: null,
    family: 'vit',
    hasTokenizer: false,
    widening: null,
    possibleCopies: [],
    constants: [],
    notes: [],
    lift: 0,
    strength: 1,
    base: 0,
    seededElements: 0,
    modules: [],
  };
  return { plan, data: Buffer.from(Uint8Array.from({ length: offset }, (_, index) => index % 251)) };
}

/** The right summary, with SHA-256 digests. */
export function summaryOf({ plan, data }: Prediction): Summary__Output {
  return {
    digests: plan.tensors
      .filter((tensor) => tensor.sent)
      .map(({ name, offset, bytes }) => {
        const tensor = data.subarray(offset, offset + bytes);
        return { name, crc32: crc32(tensor), sha256: createHash('sha256').update(tensor).digest() };
      }),
    totalBytes: plan.totalBytes,
    timings: {
      planSeconds: 0.01,
      encodeSeconds: 0.02,
      streamSeconds: 0.03,
      decodeSeconds: 0.01,
      writeSeconds: 0.02,
    },
    peakMemoryBytes: 123_000_000,
  };
}

/** The right messages, cut into chunks of at most `chunkBytes`. */
export function messagesOf(whole: Prediction, chunkBytes = 16): PredictResponse__Output[] {
  const { plan, data } = whole;
  const messages: PredictResponse__Output[] = [{ message: 'plan', plan }];
  for (let offset = 0; offset < data.length; offset += chunkBytes) {
    messages.push(chunk(offset, data.subarray(offset, offset + chunkBytes)));
  }
  messages.push({ message: 'summary', summary: summaryOf(whole) });
  return messages;
}

export function chunk(offset: number, data: Buffer): PredictResponse__Output {
  return { message: 'chunk', chunk: { offset, data } };
}

/** The messages as a stream. */
export async function* streamOf<Message>(messages: readonly Message[]): AsyncGenerator<Message> {
  for (const message of messages) {
    yield await Promise.resolve(message);
  }
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) {
    collected.push(item);
  }
  return collected;
}
