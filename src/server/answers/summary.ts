/** The last message of a stream. A plan of many tensors has as many digests: they are serialised a few at a time. */

import { setImmediate as turn } from 'node:timers/promises';
import { logahService } from '../../contract/proto-definition';
import type { Summary } from '../../gen/logah/v1/Summary';
import type { TensorDigest } from '../../stream/digests';
import { FramedMessage } from './framing';
import { contentOf, framedField } from './message-parts';

/** Digests that are serialised at a time, in about a millisecond. */
const SLICE = 1000;

/** `PredictResponse.summary`. */
const SUMMARY_FIELD = 3;

/** The summary; other calls have their turns meanwhile. */
export async function summaryMessage(
  summary: Omit<Summary, 'digests'> & { readonly digests: readonly TensorDigest[] },
): Promise<FramedMessage> {
  const { digests, ...rest } = summary;
  const parts: Uint8Array[] = [];
  for (let start = 0; start < digests.length; start += SLICE) {
    parts.push(fieldsOf({ digests: digests.slice(start, start + SLICE) }));
    await turn();
  }
  parts.push(fieldsOf(rest));
  return new FramedMessage(framedField(SUMMARY_FIELD, parts));
}

function fieldsOf(summary: Summary): Uint8Array {
  return contentOf(logahService.Predict.responseSerialize({ summary }));
}
