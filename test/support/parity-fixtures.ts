/** The fixtures in test/fixtures/parity, see their README. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensor, readSafetensorsHeader } from '../../src/client';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import { parseGraphJson } from '../../src/architecture/graph-json';

const DIRECTORY = join(__dirname, '..', 'fixtures', 'parity');

/** LoGAH's bundle, and GHN-3's. */
export const BUNDLE = join(DIRECTORY, 'bundle');
export const GHN3_BUNDLE = join(DIRECTORY, 'ghn3', 'bundle');

/** One case: what a model predicts for a graph. */
export interface ParityCase {
  readonly model: string;
  readonly graph: () => ArchitectureGraph;
  readonly expected: string;
}

export const LOGAH_CASE: ParityCase = {
  model: 'parity-logah',
  graph: () => readGraph(join(DIRECTORY, 'vit-c96-l2-p4.graph.json')),
  expected: join(DIRECTORY, 'expected.safetensors'),
};

export const GHN3_CASE: ParityCase = {
  model: 'parity-ghn3',
  graph: () => readGraph(join(DIRECTORY, 'ghn3', 'ghn3-vit-c96-l2-p4.graph.json')),
  expected: join(DIRECTORY, 'ghn3', 'expected.safetensors'),
};

export function readGraph(path: string): ArchitectureGraph {
  return parseGraphJson(readFileSync(path, 'utf8'));
}

/** Tensors of a safetensors file by name, as float32. */
export async function readTensors(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readSafetensorsHeader(path);
  const read = new Map<string, Float32Array>();
  for (const [name, { dtype }] of tensors) {
    if (dtype === 'F32') read.set(name, floats(await readSafetensor(path, name)));
  }
  return read;
}

/** Little-endian float32 bytes as numbers; the bytes may lie anywhere. */
export function floats(bytes: Uint8Array): Float32Array {
  const copy = Uint8Array.from(bytes);
  return new Float32Array(copy.buffer, 0, copy.length / 4);
}

/** Euclidean norm of the difference over that of `expected`. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (const [index, value] of expected.entries()) {
    difference += (value - (actual[index] ?? NaN)) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference) / (Math.sqrt(norm) || 1);
}
