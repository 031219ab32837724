/** A prediction saved so that another run can go on where this one had to stop. */

import type { PredictRequest } from '../../gen/logah/v1/PredictRequest';
import type { CallSettings } from '../link/call';
import { sentTensors, type CheckedPlan } from '../checked-plan';
import type { LogahClient } from '../logah-client';
import { PartialFile } from './partial-file';
import type { Summary } from '../prediction-events';
import { expectEqual, ProtocolError } from '../protocol-error';
import { encodeHeader } from './safetensors-header';
import { fileMetadata, type SavedPrediction, type SaveOptions } from './safetensors-writer';

/**
 * Saves a dense prediction like `saveSafetensors`, over one stream. Where it fails, or is cancelled, what came is put on
 * disk and stays as `PATH.partial`, and under the name of a file under construction where the process is killed (Linux); the
 * next call for the same plan (its fingerprint, and all of the file's header) begins with the first tensor that is not whole
 * there, and one for another plan from the beginning. Of what an earlier call brought, the digests went with its summary.
 * Nothing is kept of an answer that was wrong (ProtocolError).
 */
export async function saveResumable(
  client: LogahClient,
  request: PredictRequest,
  path: string,
  options: SaveOptions = {},
  settings: CallSettings = {},
): Promise<SavedPrediction> {
  const plan = await client.plan(request, settings);
  const header = encodeHeader(plan, fileMetadata(plan, options));
  const file = await PartialFile.adopt(path);
  let end = 0;
  try {
    const start = await heldBytes(file, header, plan);
    end = start;
    await file.truncate(start === 0 ? 0 : header.length + start);
    if (start === 0) await file.write(header, 0);
    options.onPlan?.(plan);
    const part = { fingerprint: plan.fingerprint, start, end: plan.totalBytes };
    let summary: Summary | undefined;
    for await (const event of client.predict(request, { ...settings, part })) {
      if (event.kind === 'plan') {
        expectEqual('fingerprint', event.plan.fingerprint, plan.fingerprint);
      } else if (event.kind === 'data') {
        await file.write(event.data, header.length + event.offset);
        end = event.offset + event.data.length;
        options.onProgress?.(end);
      } else {
        summary = event.summary;
      }
    }
    if (!summary) throw new Error('the events ended before the summary');
    await file.commit(options.beforeCommit);
    return { plan, summary };
  } catch (error) {
    if (end === 0 || error instanceof ProtocolError) await file.discard();
    else await file.keep();
    throw error;
  }
}

/** Bytes of data in the file that are whole tensors of this very plan. */
async function heldBytes(file: PartialFile, header: Buffer, plan: CheckedPlan): Promise<number> {
  const held = (await file.size()) - header.length;
  if (held <= 0 || !(await file.read(header.length)).equals(header)) return 0;
  const whole = sentTensors(plan).filter(({ offset, bytes }) => offset + bytes <= held);
  const last = whole.at(-1);
  return last === undefined ? 0 : last.offset + last.bytes;
}
