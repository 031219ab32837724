/** Turns a prediction sent as factors or cores into the events of the same prediction sent dense. */

import type { CheckedPlan, TensorPlan } from '../checked-plan';
import { ELEMENT_BYTES } from '../element-type';
import { expandCore } from './expand-core';
import { expandTensor } from './expand-tensor';
import type { ExpansionLayer } from './expansion';
import type { PredictionEvent } from '../prediction-events';
import type { Kernels } from './product';
import { TileMemory } from './tiles';

/**
 * Yields the plan with dense sizes, then all data dense, tile by tile in the plan's order, then the summary. Digests
 * are those of the bytes received: they were checked before. Holds what was sent of one tensor and one tile at a time;
 * the data of an event is valid until the next.
 * `layerOf` brings the expansion that the plan names. Throws as both arguments do.
 */
export async function* expandedEvents(
  events: AsyncIterable<PredictionEvent>,
  createKernels: (rank: number) => Promise<Kernels>,
  layerOf: (plan: CheckedPlan) => Promise<ExpansionLayer>,
): AsyncGenerator<PredictionEvent, void, undefined> {
  let dense: ReadonlyMap<string, TensorPlan> = new Map();
  let sent: CheckedPlan | undefined;
  let plan: CheckedPlan | undefined;
  let kernels: Kernels | undefined;
  let layer: ExpansionLayer | undefined;
  const memory = new TileMemory();
  let received = Buffer.alloc(0);
  let offset = 0;
  const dataEvent = (tensor: TensorPlan, data: Buffer): PredictionEvent => {
    const piece = { tensor, offset: offset - tensor.offset, data };
    const event: PredictionEvent = { kind: 'data', offset, data, pieces: [piece] };
    offset += data.length;
    return event;
  };
  for await (const event of events) {
    if (event.kind === 'plan') {
      sent = event.plan;
      plan = densePlan(event.plan);
      dense = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
      yield { kind: 'plan', plan };
      continue;
    }
    if (event.kind === 'summary') {
      yield event;
      continue;
    }
    for (const { tensor, offset: at, data } of event.pieces) {
      const target = dense.get(tensor.name);
      if (sent === undefined || plan === undefined || target === undefined)
        throw new Error(`data of ${tensor.name} before its plan`);
      if (tensor.factors.length === 0 && tensor.core.length === 0) {
        yield dataEvent(target, data);
        continue;
      }
      // A fresh buffer is aligned for float32, which a chunk's memory need not be.
      if (at === 0) received = Buffer.from(new ArrayBuffer(tensor.bytes));
      data.copy(received, at);
      if (at + data.length < tensor.bytes) continue;
      kernels ??= await createKernels(tensor.factors[0]?.rank ?? sent.expansion?.rank ?? 0);
      if (tensor.core.length > 0) layer ??= await layerOf(sent);
      const { elementType } = plan;
      const tiles =
        layer !== undefined && tensor.core.length > 0
          ? expandCore(tensor, received, elementType, layer, kernels, memory)
          : expandTensor(tensor, received, elementType, kernels.multiply, memory);
      for await (const tile of tiles) yield dataEvent(target, tile);
    }
  }
}

/** The plan as it would be if everything were sent dense. */
function densePlan(plan: CheckedPlan): CheckedPlan {
  let offset = 0;
  const tensors = plan.tensors.map((tensor) => {
    if (!tensor.sent) return tensor;
    const elements = tensor.sentShape.reduce((product, size) => product * size, 1);
    const bytes = elements * ELEMENT_BYTES[plan.elementType];
    const dense = { ...tensor, bytes, offset, factors: [], core: [], view: [] };
    offset += bytes;
    return dense;
  });
  return { ...plan, tensors, totalBytes: offset, expansion: null };
}
