/** Parts of a prediction's data: the rest of a broken stream, or one of several fetched at the same time. */

import { invalidField, LogahError } from '../errors';
import { quoted } from '../graph/violations';

/** A part as a request names it; `end` 0 is the end of the data. */
export interface RequestedPart {
  readonly fingerprint: string;
  readonly offset: number;
  readonly end: number;
}

/** A range of the plan's data, in bytes; `end` is behind the last. */
export interface DataRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The range that a request names, or all of the data. Throws LogahError: failed_precondition where the plan is not the
 * caller's, invalid_argument where the range does not lie within the data.
 */
export function dataRange(
  part: RequestedPart | undefined,
  fingerprint: string,
  totalBytes: number,
): DataRange {
  if (part === undefined) return { start: 0, end: totalBytes };
  if (part.fingerprint !== fingerprint) {
    throw new LogahError(
      'failed_precondition',
      `resume.fingerprint is ${quoted(part.fingerprint)}, the plan's is now ${fingerprint}: ` +
        'the model or the request has changed, so the bytes received so far do not fit',
    );
  }
  const end = part.end === 0 ? totalBytes : part.end;
  if (end > totalBytes) throw invalidField('resume.end', `is ${end}; at most ${totalBytes} is allowed`);
  if (part.offset > end) throw invalidField('resume.offset', `is ${part.offset}; at most ${end} is allowed`);
  return { start: part.offset, end };
}
