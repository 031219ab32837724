/** Predictions whose data is dense, however it was sent. */

import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { CallSettings } from './link/call';
import { expandedEvents } from './expansion/expanded-events';
import type { LogahClient } from './logah-client';
import type { PredictionEvent } from './prediction-events';
import { createKernels } from './expansion/product';

/** Whether the request asks for a representation that is expanded here. */
export function isExpanded({ representation }: PredictRequest): boolean {
  return representation === 'REPRESENTATION_FACTORS' || representation === 'REPRESENTATION_CORE';
}

/**
 * Predicts like `client.predict`; where the request asks for factors or cores, they are expanded here: few bytes on the
 * wire, and the same tensors. Blocks the calling thread for a millisecond or two a tile, and needs onnxruntime-node where the
 * model's rank is above 64. Cores also need the model's expansion, which the client fetches once.
 */
export function predictDense(
  client: LogahClient,
  request: PredictRequest,
  settings: CallSettings = {},
): AsyncGenerator<PredictionEvent, void, undefined> {
  const events = client.predict(request, settings);
  return isExpanded(request)
    ? expandedEvents(events, createKernels, (plan) => client.expansion(plan, settings))
    : events;
}
