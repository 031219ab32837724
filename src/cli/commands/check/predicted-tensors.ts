import type { LogahClient, PredictRequest, TensorPlan } from '../../../client';

/** A tensor that was predicted, float32 and row-major. */
export interface PredictedTensor {
  readonly name: string;
  readonly kind: TensorKind;
  readonly values: Float32Array;
}

/** What a tensor is made by, as far as it decides its error. */
export type TensorKind = 'matrices' | 'kernels' | 'vectors' | 'by rule';

/** A whole prediction in memory, so for small networks alone. Throws like `LogahClient.predict`. */
export async function predictedTensors(
  client: LogahClient,
  request: PredictRequest,
  signal: AbortSignal,
): Promise<readonly PredictedTensor[]> {
  let tensors: readonly TensorPlan[] = [];
  const parts: Buffer[] = [];
  for await (const event of client.predict(request, { signal })) {
    if (event.kind === 'plan') ({ tensors } = event.plan);
    // A chunk is valid until the next one comes.
    else if (event.kind === 'data') parts.push(Buffer.from(event.data));
  }
  const data = new Uint8Array(Buffer.concat(parts)).buffer;
  return tensors
    .filter(({ sent }) => sent)
    .map((tensor) => ({
      name: tensor.name,
      kind: kindOf(tensor),
      values: new Float32Array(data, tensor.offset, tensor.bytes / Float32Array.BYTES_PER_ELEMENT),
    }));
}

function kindOf({ predictedElements, shape }: TensorPlan): TensorKind {
  if (predictedElements === 0) return 'by rule';
  if (shape.length < 2) return 'vectors';
  return shape.length === 2 ? 'matrices' : 'kernels';
}
