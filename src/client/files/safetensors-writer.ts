import type { CheckedPlan } from '../checked-plan';
import { writeWhole, type PartialFile } from './partial-file';
import type { PredictionEvent, Summary } from '../prediction-events';
import { encodeHeader, type SafetensorsMetadata } from './safetensors-header';

/** What goes into the file beside the tensors, and who wants to know how it goes. */
export interface SaveOptions {
  /** The request's seed, for the file's metadata. Default: 0, the contract's own. */
  readonly seed?: number | undefined;
  /** Further entries of the file's metadata. */
  readonly metadata?: SafetensorsMetadata | undefined;
  /** Called with the plan before the first byte is written. */
  readonly onPlan?: ((plan: CheckedPlan) => void) | undefined;
  /** Called with the number of tensor bytes written so far, after each chunk. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Awaited when all is right and on disk, before the file appears; where it throws, the file does not. */
  readonly beforeCommit?: (() => Promise<void>) | undefined;
}

/** A prediction that is complete and on disk. */
export interface SavedPrediction {
  readonly plan: CheckedPlan;
  readonly summary: Summary;
}

/**
 * Writes a prediction to a safetensors file as it arrives, in whatever order, holding one chunk at a time. Tensors lie
 * in the plan's order; tied ones are left out, as transformers expects.
 *
 * The file appears under `path` only when the summary has come and everything was right. On any error, among them the
 * stream's own and the file system's, nothing is left and the error is thrown on.
 */
export async function saveSafetensors(
  events: AsyncIterable<PredictionEvent>,
  path: string,
  options: SaveOptions = {},
): Promise<SavedPrediction> {
  const write = async (file: PartialFile): Promise<SavedPrediction> => {
    let plan: CheckedPlan | undefined;
    let summary: Summary | undefined;
    let header: Uint8Array = new Uint8Array(0);
    let written = 0;
    for await (const event of events) {
      switch (event.kind) {
        case 'plan':
          plan = event.plan;
          options.onPlan?.(plan);
          header = encodeHeader(plan, fileMetadata(plan, options));
          await file.write(header, 0);
          break;
        case 'data':
          await file.write(event.data, header.length + event.offset);
          written += event.data.length;
          options.onProgress?.(written);
          break;
        case 'summary':
          summary = event.summary;
          break;
      }
    }
    if (!plan || !summary) {
      throw new Error('the events ended before the summary');
    }
    return { plan, summary };
  };
  return writeWhole(path, write, options.beforeCommit);
}

/** The metadata of a prediction's file. */
export function fileMetadata(
  plan: CheckedPlan,
  { seed = 0, metadata = {} }: SaveOptions,
): SafetensorsMetadata {
  return {
    format: 'pt',
    'logah.model': plan.model,
    'logah.fingerprint': plan.fingerprint,
    'logah.seed': String(seed),
    ...metadata,
  };
}
