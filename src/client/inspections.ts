/** What a server says of tensors that it does not send. */

import type { InspectTensorsRequest } from '../gen/logah/v1/InspectTensorsRequest';
import type { InspectTensorsResponse__Output } from '../gen/logah/v1/InspectTensorsResponse';
import type { TensorInspection__Output } from '../gen/logah/v1/TensorInspection';
import { Attempts } from './link/attempts';
import { deadlineOf, streamOf, throwIfAborted, type CallSettings } from './link/call';
import { callOptions, limitsOf, type Link } from './link/link';
import { ProtocolError } from './protocol-error';

/** The tensors in order. A stream that broke off begins anew, since each answer is small: what has come is skipped. */
export async function* inspections(
  { replicas, persistence }: Link,
  request: InspectTensorsRequest,
  settings: CallSettings,
): AsyncGenerator<TensorInspection__Output, void, undefined> {
  const { signal } = settings;
  throwIfAborted(signal);
  const deadline = deadlineOf(settings);
  const attempts = new Attempts(replicas, persistence, signal, deadline);
  const seen = new Set<string>();
  for (;;) {
    const { replica } = attempts;
    try {
      const call = replica.stub.InspectTensors(request, callOptions(deadline));
      const messages = streamOf<InspectTensorsResponse__Output>(call, limitsOf(replica, attempts, signal));
      for await (const { tensor } of messages) {
        if (tensor === null) throw new ProtocolError('tensor', 'missing', 'present in every message');
        if (seen.has(tensor.name)) continue;
        seen.add(tensor.name);
        attempts.progress();
        yield tensor;
      }
      return;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof ProtocolError) throw error;
      await attempts.overcome(error, replica, seen.size > 0);
    }
  }
}
