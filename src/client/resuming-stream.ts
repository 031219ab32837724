import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { PredictResponse__Output } from '../gen/logah/v1/PredictResponse';
import type { Resume } from '../gen/logah/v1/Resume';
import { expectEqual, ProtocolError } from './protocol-error';
import { RemoteError } from './remote-error';

/** Attempts in a row that bring no byte before the stream is given up, and the pause before the first of them. */
const MAX_ATTEMPTS_WITHOUT_PROGRESS = 4;
const FIRST_PAUSE_MS = 100;

/** The messages of a stream that may have broken off and gone on. */
export interface ResumedMessages {
  readonly messages: AsyncGenerator<PredictResponse__Output, void, undefined>;
  /** Byte at which the stream was last resumed; 0: it was not. */
  readonly resumedAt: () => number;
}

/** A part of a prediction's data: bytes `start` to `end` of the plan with this fingerprint. */
export interface DataPart {
  readonly fingerprint: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Goes on with a prediction where its stream broke off: the connection was lost, or the server is shutting down and
 * another takes its place. `open` starts a stream, from the beginning or from a point; the plan of a resumed stream
 * must be the first one's, and is not repeated. With `part`, only that part is asked for. Rejects with RemoteError, after
 * some attempts without progress, or ProtocolError.
 */
export function resumingMessages(
  open: (resume: Resume | undefined) => AsyncIterable<PredictResponse__Output>,
  signal: AbortSignal | undefined,
  part?: DataPart,
): ResumedMessages {
  let resumedAt = 0;
  async function* messages(): AsyncGenerator<PredictResponse__Output, void, undefined> {
    let fingerprint = part?.fingerprint;
    let position = part?.start ?? 0;
    let planned = false;
    for (let attempt = 0; ; attempt++) {
      const before = position;
      let isFirst = true;
      try {
        const resume =
          fingerprint === undefined ? undefined : { fingerprint, offset: position, end: part?.end ?? 0 };
        for await (const message of open(resume)) {
          if (isFirst && resume !== undefined) checkSamePlan(message, resume.fingerprint);
          if (isFirst && planned) resumedAt = position;
          else yield message;
          isFirst = false;
          planned = true;
          fingerprint ??= message.plan?.fingerprint;
          position += message.chunk?.data.length ?? 0;
        }
        return;
      } catch (error) {
        if (position > before) attempt = 0;
        const lost = error instanceof RemoteError && error.code === status.UNAVAILABLE;
        if (!lost || !planned || attempt >= MAX_ATTEMPTS_WITHOUT_PROGRESS) throw error;
        await delay(FIRST_PAUSE_MS * 2 ** attempt, undefined, signal === undefined ? {} : { signal });
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
