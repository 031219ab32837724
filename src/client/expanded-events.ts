/** Turns a prediction sent as factors into the events of the same prediction sent dense. */

import type { CheckedPlan, TensorPlan } from './checked-plan';
import { ELEMENT_BYTES } from './element-type';
import { expandTensor } from './expand-tensor';
import type { PredictionEvent } from './prediction-events';
import type { Multiply } from './product';

/**
 * Yields the plan with dense sizes, then all data dense, tile by tile in the plan's order, then the summary. Digests
 * are those of the bytes received: they were checked before. Holds the factors of one tensor and one tile at a time.
 */
export async function* expandedEvents(
  events: AsyncIterable<PredictionEvent>,
  createMultiply: () => Promise<Multiply>,
): AsyncGenerator<PredictionEvent, void, undefined> {
  let dense: ReadonlyMap<string, TensorPlan> = new Map();
  let plan: CheckedPlan | undefined;
  let multiply: Multiply | undefined;
  let factors = Buffer.alloc(0);
  let offset = 0;
  const dataEvent = (tensor: TensorPlan, data: Buffer): PredictionEvent => {
    const piece = { tensor, offset: offset - tensor.offset, data };
    const event: PredictionEvent = { kind: 'data', offset, data, pieces: [piece] };
    offset += data.length;
    return event;
  };
  for await (const event of events) {
    if (event.kind === 'plan') {
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
      if (plan === undefined || target === undefined)
        throw new Error(`data of ${tensor.name} before its plan`);
      if (tensor.factors.length === 0) {
        yield dataEvent(target, data);
        continue;
      }
      // A fresh buffer is aligned for float32, which a chunk's memory need not be.
      if (at === 0) factors = Buffer.from(new ArrayBuffer(tensor.bytes));
      data.copy(factors, at);
      if (at + data.length < tensor.bytes) continue;
      multiply ??= await createMultiply();
      for await (const tile of expandTensor(tensor, factors, plan.elementType, multiply)) {
        yield dataEvent(target, tile);
      }
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
    const dense = { ...tensor, bytes, offset, factors: [] };
    offset += bytes;
    return dense;
  });
  return { ...plan, tensors, totalBytes: offset };
}
