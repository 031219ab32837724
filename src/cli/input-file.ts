import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGraphJson } from '../architecture/graph-json';
import { isObject, parsePythonJson } from '../python-json';
import { onnxArchitecture, onnxArchitectureOf } from '../client';
import { LogahError } from '../errors';
import type { Architecture } from '../gen/logah/v1/Architecture';
import { HEAD_BYTES, looksLikeOnnx, wrongKind } from './file-kind';
import { withFileErrors } from '../system-error';

/** What the commands say of their argument. */
export const INPUT_HELP =
  'a transformers config.json or a directory that holds one, an ONNX file, an architecture graph in JSON, or - for standard input';

/** An architecture as the user has it on disk. */
export interface InputFile {
  readonly path: string;
  readonly architecture: Architecture;
  /** The file's bytes where it is a transformers `config.json`, to go beside the weights. */
  readonly config: Buffer | undefined;
}

const STANDARD_INPUT = '-';
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads an ONNX file (known by the ending `.onnx` or its first bytes) without the data of its weights, a transformers
 * `config.json` (known by `model_type`) or an architecture graph in proto3 JSON (known by `nodes`); of a directory its
 * `config.json`; of "-" standard input. Throws LogahError naming the file, and what it is instead where that can be told.
 */
export async function readInputFile(given: string): Promise<InputFile> {
  if (given === STANDARD_INPUT) return architectureOf('standard input', await readStandardInput());
  const path = await withFileErrors(`read ${given}`, () => configOf(given));
  const head = await withFileErrors(`read ${path}`, () => readHead(path));
  refuseWrongKind(path, head);
  if (path.endsWith('.onnx') || looksLikeOnnx(head)) {
    const architecture = await withFileErrors(`read ${path}`, () => onnxArchitecture(path));
    return { path, architecture, config: undefined };
  }
  return architectureOf(path, await withFileErrors(`read ${path}`, () => readFile(path)));
}

function architectureOf(path: string, content: Buffer): InputFile {
  refuseWrongKind(path, content.subarray(0, HEAD_BYTES));
  if (looksLikeOnnx(content)) return { path, architecture: onnxArchitectureOf(content), config: undefined };
  const marked = content.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const bytes = marked ? content.subarray(BYTE_ORDER_MARK.length) : content;
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

/** The file itself, or the `config.json` of a directory. */
async function configOf(given: string): Promise<string> {
  if (!(await stat(given)).isDirectory()) return given;
  const config = join(given, 'config.json');
  if ((await stat(config).catch(() => undefined)) === undefined) {
    throw new LogahError('invalid_argument', `${given} is a directory without a config.json`);
  }
  return config;
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    // What cannot be read twice, such as a pipe, is left alone.
    if (!(await file.stat()).isFile()) return Buffer.from('{');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readStandardInput(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function refuseWrongKind(path: string, head: Buffer): void {
  const kind = wrongKind(head);
  if (kind !== undefined) throw new LogahError('invalid_argument', `${path} is ${kind}`);
}

/** Python writes the files, with NaN and Infinity: what is wrong with a value is for the server to say. */
function topLevelKeys(path: string, text: string): ReadonlySet<string> {
  let root: unknown;
  try {
    root = parsePythonJson(text);
  } catch (error) {
    throw new LogahError('invalid_argument', `${path} is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return new Set(isObject(root) ? Object.keys(root) : []);
}
