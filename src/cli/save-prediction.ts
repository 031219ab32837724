import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
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
import { GENERATION_CONFIG, generationConfig } from '../client/generation-config';
import { writeWhole } from '../client/partial-file';
import { LogahError } from '../errors';
import type { InputFile } from './input-file';
import { withOutputDirectory } from './output-directory';
import type { Progress } from './progress';
import { withFileErrors } from './system-error';
import { printWarnings, warnOfIdleSeed } from './warnings';
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
    await refuseOtherConfig(input, directory);
    const start = performance.now();
    try {
      const options = {
        seed,
        metadata: shardMetadata(job.request),
        onPlan: ({ totalBytes, warnings, coverage, lift }: CheckedPlan) => {
          printWarnings(warnings);
          warnOfIdleSeed(coverage, lift, seed);
          progress.start(totalBytes);
        },
        onProgress: (bytes: number) => {
          progress.update(bytes);
        },
      };
      const saved = await withFileErrors(`write ${path}`, () =>
        job.resume === true
          ? saveResumable(clients[0], job.request, path, options, { signal })
          : saveSafetensors(eventsOf(clients, job, signal), path, options),
      );
      const seconds = (performance.now() - start) / 1000;
      if (saved.plan.hasTokenizer) {
        await saveTokenizer(
          await clients[0].tokenizer(saved.plan.model, { signal }),
          input.config,
          directory,
        );
      }
      return { ...saved, path, seconds, configPath: await saveConfig(input, directory) };
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

/** A configuration of another network in the directory is the caller's own, and the weights would not be its. */
async function refuseOtherConfig({ path, config }: InputFile, directory: string): Promise<void> {
  const there = join(directory, 'config.json');
  if (config === undefined) return;
  const content = await readFile(there).catch(() => undefined);
  if (content === undefined || content.equals(config) || isSameJson(content, config)) return;
  throw new LogahError(
    'failed_precondition',
    `${there} is there and differs from ${path}; give another --out, or move it away`,
  );
}

function isSameJson(one: Buffer, other: Buffer): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(one.toString()), JSON.parse(other.toString()));
  } catch {
    return false;
  }
}

async function saveConfig({ path, config }: InputFile, directory: string): Promise<string | undefined> {
  const copy = join(directory, 'config.json');
  if (config === undefined || resolve(path) === resolve(copy)) {
    return undefined;
  }
  await withFileErrors(`write ${copy}`, () => writeWhole(copy, (file) => file.write(config)));
  return copy;
}
