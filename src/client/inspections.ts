/** What a server says of tensors that it does not send. */

import type { InspectTensorsRequest } from '../gen/logah/v1/InspectTensorsRequest';
import type { InspectTensorsResponse__Output } from '../gen/logah/v1/InspectTensorsResponse';
import type { TensorInspection__Output } from '../gen/logah/v1/TensorInspection';
import { Attempts } from './link/attempts';
import { deadlineOf, streamOf, throwIfAborted, type CallSettings } from './link/call';
import { verdictOn } from './link/broken-off';
import { callOptions, limitsOf, type Link } from './link/link';
import { ProtocolError } from './protocol-error';
import { RemoteError } from './remote-error';

/**
 * The tensors in order. A stream that broke off, or ended with fewer than the answer has, begins anew, since each answer is
 * small: what has come is skipped.
 */
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
  let expected = 0;
  let endedInVain = 0;
  const isComplete = (): boolean => expected > 0 && seen.size === expected;
  for (;;) {
    const { replica } = attempts;
    const before = seen.size;
    let isEmpty = true;
    try {
      const call = replica.stub.InspectTensors(request, callOptions(deadline));
      const limits = limitsOf(replica, attempts, signal);
      const messages = streamOf<InspectTensorsResponse__Output>(call, limits, isComplete);
      for await (const { tensor, tensors } of messages) {
        if (tensor === null) throw new ProtocolError('tensor', 'missing', 'present in every message');
        isEmpty = false;
        expected = tensors;
        if (seen.has(tensor.name)) continue;
        seen.add(tensor.name);
        if (expected > 0 && seen.size > expected) {
          throw new ProtocolError('number of tensors', seen.size, expected);
        }
        attempts.progress();
        yield tensor;
      }
      if (isComplete() || (expected === 0 && !isEmpty)) return;
      const early = new ProtocolError('number of tensors', seen.size, expected || 'at least 1');
      // A proxy that has lost its server sends no tensor, and does not do so twice behind some.
      endedInVain = !isEmpty && seen.size === before ? endedInVain + 1 : 0;
      if (endedInVain > 1) throw early;
      await attempts.overcome(early, replica, seen.size > 0);
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof ProtocolError) throw error;
      // All has come; nobody but the service can say that it is wrong.
      if (isComplete() && error instanceof RemoteError && verdictOn(error, true) === 'break') return;
      await attempts.overcome(error, replica, seen.size > 0);
    }
  }
}
