/** Predictions whose data is dense, however it was sent. */

import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { CallSettings } from './call';
import { expandedEvents } from './expanded-events';
import type { LogahClient } from './logah-client';
import type { PredictionEvent } from './prediction-events';
import { createProduct } from './product';

/**
 * Predicts like `client.predict`; where the request asks for factors, they are expanded here: few bytes on the wire,
 * and the same tensors. Needs onnxruntime-node for that, and blocks the calling thread for a few milliseconds a tile.
 */
export function predictDense(
  client: LogahClient,
  request: PredictRequest,
  settings: CallSettings = {},
): AsyncGenerator<PredictionEvent, void, undefined> {
  const events = client.predict(request, settings);
  return request.representation === 'REPRESENTATION_FACTORS' ? expandedEvents(events, createProduct) : events;
}
