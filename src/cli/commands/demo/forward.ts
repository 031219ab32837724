/** The forward pass of a small network whose ONNX file holds no weights: every parameter is an input. */

import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Parameters by name: float32 elements, and the shape. */
export type State = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** A network with one start. */
export interface Network {
  /** float32 inputs of the shape, or int64 ones, to logits. */
  readonly run: (input: Float32Array | BigInt64Array, shape: readonly number[]) => Promise<Float32Array>;
  readonly release: () => Promise<void>;
}

/** The file's network with the parameters of `state`. Throws Error where one is missing. */
export async function loadNetwork(path: string, state: State): Promise<Network> {
  const session = await InferenceSession.create(path, { executionProviders: ['cpu'] });
  const [input, ...parameters] = session.inputNames;
  if (input === undefined) throw new Error(`${path} has no input`);
  const feeds: Record<string, Tensor> = {};
  for (const name of parameters) {
    const parameter = state.get(name);
    if (parameter === undefined) throw new Error(`${path} reads ${name}, which was not predicted`);
    feeds[name] = new Tensor('float32', parameter.data, parameter.shape);
  }
  return {
    run: async (values, shape) => {
      const tensor =
        values instanceof Float32Array
          ? new Tensor('float32', values, shape)
          : new Tensor('int64', values, shape);
      const { logits } = await session.run({ ...feeds, [input]: tensor }, ['logits']);
      return logits?.data as Float32Array;
    },
    release: () => session.release(),
  };
}
