/** What a model predicted on the machine that recorded it: `check.json` in its bundle, beside what the manifest names. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LogahError } from '../../../errors';
import { relativeError } from './comparison';
import type { PredictedTensor } from './predicted-tensors';

const FILE = 'check.json';

/** Elements that are kept of a tensor, evenly spaced. */
const SAMPLES = 96;

const recordedTensor = z.object({
  length: z.int().min(0),
  /** Of all elements. */
  norm: z.number(),
  /** Every so many elements one is kept, from the first on. */
  step: z.int().min(1),
  /** float32, little-endian. */
  values: z.base64(),
});

const schema = z.object({
  /** By network, then by tensor. */
  networks: z.record(z.string(), z.record(z.string(), recordedTensor)),
});

/** The tensors of a network as they were recorded, by name. */
export type RecordedNetwork = Readonly<Record<string, z.infer<typeof recordedTensor>>>;

/** By network. */
export type Reference = Readonly<Record<string, RecordedNetwork>>;

/** The reference of a bundle; undefined where it has none. Throws LogahError (failed_precondition) where it is no such file. */
export async function readReference(bundleDirectory: string): Promise<Reference | undefined> {
  const path = join(bundleDirectory, FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text)).networks;
  } catch (cause) {
    throw new LogahError('failed_precondition', `${path} is no record of predictions`, { cause });
  }
}

/** Writes the reference of a bundle. */
export async function writeReference(bundleDirectory: string, networks: Reference): Promise<void> {
  await writeFile(join(bundleDirectory, FILE), `${JSON.stringify({ networks }, undefined, 2)}\n`);
}

/** What is recorded of a prediction. */
export function recordOf(tensors: readonly PredictedTensor[]): RecordedNetwork {
  return Object.fromEntries(
    tensors.map(({ name, values }) => {
      const step = Math.max(1, Math.floor(values.length / SAMPLES));
      const sampled = Buffer.from(sampleOf(values, step).buffer).toString('base64');
      return [name, { length: values.length, norm: normOf(values), step, values: sampled }];
    }),
  );
}

/** The larger of the errors of the sampled elements and of the norm; infinite for another tensor than was recorded. */
export function errorAgainst(recorded: RecordedNetwork, { name, values }: PredictedTensor): number {
  const expected = recorded[name];
  if (expected?.length !== values.length) return Infinity;
  const bytes = new Uint8Array(Buffer.from(expected.values, 'base64'));
  const sampled = relativeError(sampleOf(values, expected.step), new Float32Array(bytes.buffer));
  return Math.max(sampled, Math.abs(normOf(values) - expected.norm) / (expected.norm || 1));
}

function sampleOf(values: Float32Array, step: number): Float32Array {
  return values.filter((_, index) => index % step === 0);
}

function normOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
}
