import type { PredictResponse__Output } from '../../gen/logah/v1/PredictResponse';
import type { Resume } from '../../gen/logah/v1/Resume';
import type { Attempts } from './attempts';
import { verdictOn } from './broken-off';
import type { DataPart } from '../data-part';
import { expectEqual, ProtocolError } from '../protocol-error';
import { RemoteError } from '../remote-error';
import type { Replica } from './replicas';

/** The messages of a stream that may have broken off and gone on. */
export interface ResumedMessages {
  readonly messages: AsyncGenerator<PredictResponse__Output, void, undefined>;
  /** Byte at which the stream was last resumed; 0: it was not. */
  readonly resumedAt: () => number;
}

/**
 * Goes on with a prediction where its stream broke off: the connection was lost, a proxy lost the server, or the server is
 * shutting down and another takes its place. `open` starts a stream, from the beginning or from a point; the plan of a
 * resumed stream must be the first one's, and is not repeated. With `part`, only that part is asked for. Rejects with
 * RemoteError where an attempt fails for good or patience is over, or ProtocolError.
 */
export function resumingMessages(
  open: (replica: Replica, resume: Resume | undefined) => AsyncIterable<PredictResponse__Output>,
  attempts: Attempts,
  part?: DataPart,
): ResumedMessages {
  let resumedAt = 0;
  async function* messages(): AsyncGenerator<PredictResponse__Output, void, undefined> {
    let fingerprint = part?.fingerprint;
    let position = part?.start ?? 0;
    let planned = false;
    let complete = false;
    let endedInVain = 0;
    while (!complete) {
      const before = position;
      const { replica } = attempts;
      let isFirst = true;
      try {
        const resume =
          fingerprint === undefined ? undefined : { fingerprint, offset: position, end: part?.end ?? 0 };
        for await (const message of open(replica, resume)) {
          if (isFirst && resume !== undefined) checkSamePlan(message, resume.fingerprint);
          if (!planned || message.chunk) attempts.progress();
          complete ||= message.message === 'summary';
          if (isFirst && planned) resumedAt = position;
          else yield message;
          isFirst = false;
          planned = true;
          fingerprint ??= message.plan?.fingerprint;
          position += message.chunk?.data.length ?? 0;
        }
        if (complete) return;
        const early = new ProtocolError('end of the stream', 'early', 'after the summary');
        // A proxy may end what it lost as if that were all; but it sends no plan, and it will not do so twice behind one.
        endedInVain = !isFirst && position === before ? endedInVain + 1 : 0;
        if (endedInVain > 1) throw early;
        await attempts.overcome(early, replica, planned || part !== undefined);
      } catch (error) {
        if (error instanceof ProtocolError) throw error;
        // All has come; nobody but the service can say that it is wrong.
        if (complete && error instanceof RemoteError && verdictOn(error, true) === 'break') return;
        await attempts.overcome(error, replica, planned || part !== undefined);
      }
    }
  }
  return { messages: messages(), resumedAt: () => resumedAt };
}

function checkSamePlan(message: PredictResponse__Output, fingerprint: string): void {
  if (!message.plan) {
    throw new ProtocolError('message', message.message ?? 'empty or of an unknown kind', 'the plan first');
  }
  expectEqual('fingerprint of the resumed plan', message.plan.fingerprint, fingerprint);
}
