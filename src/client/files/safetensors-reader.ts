import { open, type FileHandle } from 'node:fs/promises';
import { LogahError } from '../../errors';
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY, type SafetensorsMetadata } from './safetensors-header';

/** Bytes of an element, by the format's names. Types of less than a byte are not read. */
const TYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** The element types that the reader knows. */
export type SafetensorsType = keyof typeof TYPE_BYTES;

/** Where a tensor lies in the file. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** First byte, and the byte behind the last, counted from the beginning of the data. */
  readonly begin: number;
  readonly end: number;
}

/** A checked header: the tensors cover the data without gaps or overlaps. */
export interface SafetensorsHeader {
  readonly metadata: SafetensorsMetadata;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** Position in the file where the data begins. */
  readonly dataStart: number;
}

/** Reads and checks the header. Throws LogahError (invalid_argument) saying what is wrong, or the file system's errors. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, readHeader);
}

/** The bytes of one tensor. Throws like `readSafetensorsHeader`, and LogahError (not_found). */
export async function readSafetensor(path: string, name: string): Promise<Buffer> {
  return withFile(path, async (file) => {
    const { tensors, dataStart } = await readHeader(file);
    const tensor = tensors.get(name);
    if (!tensor) {
      throw new LogahError('not_found', `no tensor "${name}" in ${path}`);
    }
    return readAt(file, dataStart + tensor.begin, tensor.end - tensor.begin);
  });
}

/** Checks the JSON of a header whose data has `dataBytes` bytes. Throws LogahError (invalid_argument). */
export function parseHeader(
  json: Buffer,
  dataBytes: number,
): Pick<SafetensorsHeader, 'metadata' | 'tensors'> {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw invalid(`the header is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (json[0] !== '{'.charCodeAt(0) || !isRecord(root)) {
    throw invalid('the header is not a JSON object from its first byte on');
  }
  const { [METADATA_KEY]: metadata = {}, ...entries } = root;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid(`${METADATA_KEY} is not an object of strings`);
  }
  const tensors = Object.entries(entries)
    .map(([name, value]): [string, SafetensorsEntry] => [name, parseEntry(name, value)])
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, tensor] of tensors) {
    if (tensor.begin !== position) {
      throw invalid(`tensor "${name}" begins at byte ${tensor.begin}, expected ${position}`);
    }
    position = tensor.end;
  }
  if (position !== dataBytes) {
    throw invalid(`the tensors have ${position} bytes, the file has ${dataBytes}`);
  }
  return { metadata: metadata as SafetensorsMetadata, tensors: new Map(tensors) };
}

function parseEntry(name: string, value: unknown): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (!isKnownType(dtype)) {
    throw invalid(
      `tensor "${name}" has dtype ${JSON.stringify(dtype)}, expected one of ${Object.keys(TYPE_BYTES).join(', ')}`,
    );
  }
  if (!isSizes(shape)) {
    throw invalid(`tensor "${name}" has shape ${JSON.stringify(shape)}, expected sizes`);
  }
  if (!isSizes(offsets)) {
    throw invalid(`tensor "${name}" has data_offsets ${JSON.stringify(offsets)}, expected two positions`);
  }
  const [begin, end, ...more] = offsets;
  if (begin === undefined || end === undefined || more.length > 0) {
    throw invalid(`tensor "${name}" has ${offsets.length} data_offsets, expected two positions`);
  }
  const bytes = shape.reduce((product, size) => product * size, TYPE_BYTES[dtype]);
  if (end - begin !== bytes) {
    throw invalid(`tensor "${name}" has ${end - begin} bytes, its shape and dtype need ${bytes}`);
  }
  return { dtype, shape, begin, end };
}

async function readHeader(file: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  if (size < LENGTH_BYTES) {
    throw invalid(`the file has ${size} bytes, the length of the header alone has ${LENGTH_BYTES}`);
  }
  const length = Number((await readAt(file, 0, LENGTH_BYTES)).readBigUInt64LE());
  if (length > MAX_HEADER_BYTES) {
    throw invalid(`the header has ${length} bytes, ${MAX_HEADER_BYTES} are allowed`);
  }
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > size) {
    throw invalid(`the header ends at byte ${dataStart}, the file has ${size}`);
  }
  const json = await readAt(file, LENGTH_BYTES, length);
  return { ...parseHeader(json, size - dataStart), dataStart };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) {
      throw invalid(`the file ends at byte ${position + done}, expected ${position + length}`);
    }
    done += bytesRead;
  }
  return buffer;
}

async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path, 'r');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function invalid(description: string): LogahError {
  return new LogahError('invalid_argument', `not a safetensors file: ${description}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKnownType(value: unknown): value is SafetensorsType {
  return typeof value === 'string' && Object.hasOwn(TYPE_BYTES, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
