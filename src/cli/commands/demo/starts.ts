/** The two starts that the demo compares: a prediction on disk, and what transformers draws by itself. */

import { readSafetensor, readSafetensorsHeader } from '../../../client';
import { streamKey, truncatedNormal } from '../../../random/random';
import type { State } from './forward';

/** Standard deviation of weights by transformers' default, `initializer_range`. */
const DEVIATION = 0.02;

/** The tensors of a float32 safetensors file. */
export async function predictedStart(path: string): Promise<State> {
  const { tensors } = await readSafetensorsHeader(path);
  const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape }] of tensors) {
    const bytes = await readSafetensor(path, name);
    const data = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
    );
    state.set(name, { shape, data });
  }
  return state;
}

/** As transformers starts the same network: weights and tables from a normal distribution, norms at 1, biases at 0. */
export function defaultStart(like: State, seed: number): State {
  return new Map(
    [...like].map(([name, { shape, data }]) => {
      const values = new Float32Array(data.length);
      if (shape.length > 1) {
        const key = streamKey(seed, name);
        for (let index = 0; index < values.length; index++)
          values[index] = truncatedNormal(key, index, DEVIATION);
      } else if (name.endsWith('.weight')) {
        values.fill(1);
      }
      return [name, { shape, data: values }];
    }),
  );
}
