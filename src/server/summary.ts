/** The last message of a stream. A plan of many tensors has as many digests: they are serialised a few at a time. */

import { setImmediate as turn } from 'node:timers/promises';
import { LogahService } from '../contract/proto-definition';
import type { Summary } from '../gen/logah/v1/Summary';
import type { TensorDigest } from '../stream/digests';
import { framed, FramedMessage } from './framing';

/** Digests that are serialised at a time, in about a millisecond. */
const SLICE = 1000;

/** Protobuf's tag of `PredictResponse.summary` (field 3, length-delimited). */
const SUMMARY_TAG = 0x1a;

/** The summary; other calls have their turns meanwhile. */
export async function summaryMessage(
  summary: Omit<Summary, 'digests'> & { readonly digests: readonly TensorDigest[] },
): Promise<FramedMessage> {
  const { digests, ...rest } = summary;
  const parts: Buffer[] = [];
  for (let start = 0; start < digests.length; start += SLICE) {
    parts.push(fieldsOf({ digests: digests.slice(start, start + SLICE) }));
    await turn();
  }
  parts.push(fieldsOf(rest));
  const bytes = Buffer.concat(parts);
  return new FramedMessage(framed(Buffer.concat([Buffer.from([SUMMARY_TAG, ...varint(bytes.length)]), bytes])));
}

/** The fields of a summary as bytes, which are those of all of it when they are put one behind the other. */
function fieldsOf(summary: Summary): Buffer {
  const message = LogahService.service.Predict.responseSerialize({ summary });
  let start = 1;
  while ((message[start] ?? 0) >= 128) start++;
  return message.subarray(start + 1);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
