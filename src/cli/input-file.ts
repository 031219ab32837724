import { readFile } from 'node:fs/promises';
import { parseGraphJson } from '../architecture/graph-json';
import { onnxArchitecture } from '../client';
import { LogahError } from '../errors';
import type { Architecture } from '../gen/logah/v1/Architecture';
import { withFileErrors } from './system-error';

/** An architecture as the user has it on disk. */
export interface InputFile {
  readonly path: string;
  readonly architecture: Architecture;
  /** The file's bytes where it is a transformers `config.json`, to go beside the weights. */
  readonly config: Buffer | undefined;
}

/**
 * Reads an ONNX file (known by the ending `.onnx`) without the data of its weights, a transformers `config.json` (known
 * by `model_type`) or an architecture graph in proto3 JSON (known by `nodes`). Throws LogahError naming the file.
 */
export async function readInputFile(path: string): Promise<InputFile> {
  if (path.endsWith('.onnx')) {
    const architecture = await withFileErrors(`read ${path}`, () => onnxArchitecture(path));
    return { path, architecture, config: undefined };
  }
  const bytes = await withFileErrors(`read ${path}`, () => readFile(path));
  const keys = topLevelKeys(path, bytes.toString('utf8'));
  if (keys.has('model_type')) {
    return { path, architecture: { transformersConfig: bytes }, config: bytes };
  }
  if (keys.has('nodes')) {
    return { path, architecture: { graph: parseGraphJson(bytes.toString('utf8')) }, config: undefined };
  }
  throw new LogahError(
    'invalid_argument',
    `${path} is neither a transformers config.json (it has no "model_type") nor an architecture graph (it has no "nodes")`,
  );
}

function topLevelKeys(path: string, text: string): ReadonlySet<string> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new LogahError('invalid_argument', `${path} is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return new Set(typeof root === 'object' && root !== null ? Object.keys(root) : []);
}
