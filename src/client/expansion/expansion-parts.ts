/** An expansion's file as it comes from a server. */

import type { GetExpansionRequest } from '../../gen/logah/v1/GetExpansionRequest';
import type { GetExpansionResponse__Output } from '../../gen/logah/v1/GetExpansionResponse';
import { Attempts } from '../link/attempts';
import { deadlineOf, streamOf, type CallSettings } from '../link/call';
import { callOptions, limitsOf, type Link } from '../link/link';
import { ProtocolError } from '../protocol-error';

/** The file in order, of which a stream that broke off has to begin anew: what has come already is skipped. */
export async function* expansionParts(
  { replicas, persistence }: Link,
  request: GetExpansionRequest,
  totalBytes: number,
  settings: CallSettings,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = settings;
  const deadline = deadlineOf(settings);
  const attempts = new Attempts(replicas, persistence, signal, deadline);
  let received = 0;
  for (;;) {
    const { replica } = attempts;
    const before = received;
    let position = 0;
    try {
      const call = replica.stub.GetExpansion(request, callOptions(deadline));
      const limits = limitsOf(replica, attempts, signal);
      for await (const { data } of streamOf<GetExpansionResponse__Output>(call, limits)) {
        const fresh = data.subarray(Math.max(0, received - position));
        position += data.length;
        if (fresh.length === 0) continue;
        received += fresh.length;
        attempts.progress();
        yield fresh;
      }
      // What is wrong with an answer that is too short, and brought nothing, is said by who joins it.
      if (received >= totalBytes || (position > 0 && received === before)) return;
      const early = new ProtocolError('bytes of the expansion', received, totalBytes);
      await attempts.overcome(early, replica, true);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      await attempts.overcome(error, replica, received > 0);
    }
  }
}
