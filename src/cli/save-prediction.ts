import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isExpanded,
  parallelEvents,
  predictDense,
  saveResumable,
  saveSafetensors,
  type CheckedPlan,
  type PredictRequest,
  type SafetensorsMetadata,
  type SavedPrediction,
} from '../client';
import { GENERATION_CONFIG, generationConfig } from '../client/files/generation-config';
import { writeWhole } from '../client/files/partial-file';
import type { InputFile } from './input-file';
import { BesideConfig } from './beside-config';
import { withOutputDirectory } from './output-directory';
import type { Progress } from './output/progress';
import { withFileErrors } from '../system-error';
import { printWarnings, warnOfIdleSeed } from './output/warnings';
import type { Clients } from './with-client';

/** One prediction to be written to a directory. */
export interface SaveJob {
  readonly input: InputFile;
  readonly request: PredictRequest;
  readonly seed: number;
  readonly directory: string;
  readonly progress: Progress;
  /** Streams to fetch over at once; default: one for each server. */
  readonly streams?: number | undefined;
  /** Keep what came where it fails, and go on with what an earlier run kept. */
  readonly resume?: boolean | undefined;
}

/** A prediction on disk, and what it took. */
export interface PredictionReport extends SavedPrediction {
  /** `model.safetensors` in the directory; of a shard, a name that says which. */
  readonly path: string;
  /** The copy of the configuration; undefined for a graph. */
  readonly configPath: string | undefined;
  /** From the call until the file was on disk. */
  readonly seconds: number;
}

/**
 * Predicts and writes `model.safetensors` (of a shard, `shard-INDEX-of-COUNT.safetensors`), and beside it `config.json` as it was given and the model's tokenizer where it
 * fits. Throws as the client does.
 */
export async function savePrediction(
  clients: Clients,
  job: SaveJob,
  signal: AbortSignal,
): Promise<PredictionReport> {
  const { input, seed, directory, progress } = job;
  const path = join(directory, fileName(job.request));
  return withOutputDirectory(directory, async () => {
    const beside = new BesideConfig(input, directory);
    await beside.refuseOther();
    const start = performance.now();
    try {
      const options = {
        seed,
        metadata: shardMetadata(job.request),
        onPlan: (plan: CheckedPlan) => {
          printWarnings(plan);
          warnOfIdleSeed(plan.seededElements, seed);
          progress.start(plan.totalBytes);
        },
        onProgress: (bytes: number) => {
          progress.update(bytes);
        },
        beforeCommit: () => beside.claim(),
      };
      const saved = await withFileErrors(`write ${path}`, () =>
        job.resume === true
          ? saveResumable(clients[0], job.request, path, options, { signal })
          : saveSafetensors(eventsOf(clients, job, signal), path, options),
      ).catch(async (error: unknown) => {
        await beside.giveUp();
        throw error;
      });
      const seconds = (performance.now() - start) / 1000;
      if (saved.plan.hasTokenizer) {
        await saveTokenizer(
          await clients[0].tokenizer(saved.plan.model, { signal }),
          input.config,
          directory,
        );
      }
      return { ...saved, path, seconds, configPath: await beside.save() };
    } finally {
      progress.stop();
    }
  });
}

function eventsOf(clients: Clients, { request, streams = clients.length }: SaveJob, signal: AbortSignal) {
  // Factors and cores are few bytes; there is nothing to gain from several streams.
  return streams > 1 && !isExpanded(request)
    ? parallelEvents(clients, request, streams, { signal })
    : predictDense(clients[0], request, { signal });
}

/** With how text is generated. A tokenizer that lies there already is the caller's own, and stays. */
async function saveTokenizer(
  tokenizer: ReadonlyMap<string, Buffer>,
  config: Buffer | undefined,
  directory: string,
): Promise<void> {
  const there = await readdir(directory);
  if (there.some((name) => tokenizer.has(name))) return;
  const files = new Map(tokenizer);
  const generation = config === undefined ? undefined : generationConfig(config, tokenizer);
  if (generation !== undefined && !there.includes(GENERATION_CONFIG)) {
    files.set(GENERATION_CONFIG, generation);
  }
  for (const [name, data] of files) {
    const path = join(directory, name);
    await withFileErrors(`write ${path}`, () => writeWhole(path, (file) => file.write(data)));
  }
}

/** Not the name of a whole model, which a loader would take the rows of one rank for. */
function fileName({ shard }: PredictRequest): string {
  return shard ? `shard-${shard.index ?? 0}-of-${shard.count ?? 0}.safetensors` : 'model.safetensors';
}

function shardMetadata({ shard }: PredictRequest): SafetensorsMetadata {
  return shard ? { 'logah.shard': `${shard.index ?? 0}/${shard.count ?? 0}` } : {};
}
