import { join, resolve } from 'node:path';
import {
  predictDense,
  saveSafetensors,
  type LogahClient,
  type PredictRequest,
  type SavedPrediction,
} from '../client';
import { writeWhole } from '../client/partial-file';
import type { InputFile } from './input-file';
import { withOutputDirectory } from './output-directory';
import type { Progress } from './progress';
import { withFileErrors } from './system-error';
import { printWarnings } from './warnings';

/** One prediction to be written to a directory. */
export interface SaveJob {
  readonly input: InputFile;
  readonly request: PredictRequest;
  readonly seed: number;
  readonly directory: string;
  readonly progress: Progress;
}

/** A prediction on disk, and what it took. */
export interface PredictionReport extends SavedPrediction {
  /** `model.safetensors` in the directory. */
  readonly path: string;
  /** The copy of the configuration; undefined for a graph. */
  readonly configPath: string | undefined;
  /** From the call until the file was on disk. */
  readonly seconds: number;
}

/** Predicts and writes `model.safetensors`, and `config.json` beside it as it was given. Throws as the client does. */
export async function savePrediction(
  client: LogahClient,
  job: SaveJob,
  signal: AbortSignal,
): Promise<PredictionReport> {
  const { input, request, seed, directory, progress } = job;
  const path = join(directory, 'model.safetensors');
  return withOutputDirectory(directory, async () => {
    const start = performance.now();
    try {
      const saved = await withFileErrors(`write ${path}`, () =>
        saveSafetensors(predictDense(client, request, { signal }), path, {
          seed,
          onPlan: ({ totalBytes, warnings }) => {
            printWarnings(warnings);
            progress.start(totalBytes);
          },
          onProgress: (bytes) => {
            progress.update(bytes);
          },
        }),
      );
      const seconds = (performance.now() - start) / 1000;
      return { ...saved, path, seconds, configPath: await saveConfig(input, directory) };
    } finally {
      progress.stop();
    }
  });
}

async function saveConfig({ path, config }: InputFile, directory: string): Promise<string | undefined> {
  const copy = join(directory, 'config.json');
  if (config === undefined || resolve(path) === resolve(copy)) {
    return undefined;
  }
  await withFileErrors(`write ${copy}`, () => writeWhole(copy, (file) => file.write(config)));
  return copy;
}
