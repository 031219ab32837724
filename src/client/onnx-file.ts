import { open } from 'node:fs/promises';
import { LogahError } from '../errors';
import type { Architecture } from '../gen/logah/v1/Architecture';
import type { OnnxContent } from '../gen/logah/v1/OnnxContent';
import type { ContentKind } from '../onnx-file/content';
import { fileSource, FilesBeside } from '../onnx-file/file-source';
import type { OpenBeside } from '../onnx-file/float-data';
import { stripWeights } from '../onnx-file/strip';
import { tensorContents } from '../onnx-file/summarise';
import { memorySource, WireError, type ByteSource } from '../onnx-file/wire';

/**
 * The architecture in an ONNX file, for a request: the file without the data of its weights, and beside it what that data
 * shows: which tensors are zeros, drawn, computed, or copies of others. For that a part of each is read, in the file or in
 * those beside it. Takes memory for what is sent, a few kilobytes a layer. Throws LogahError (invalid_argument) naming the
 * file where it is no ONNX file or cut short, and the system's errors.
 */
export async function onnxArchitecture(path: string): Promise<Architecture> {
  const file = await open(path);
  const beside = new FilesBeside(path);
  try {
    const { size } = await file.stat();
    const source = fileSource(file.fd, size);
    checkPointer(source, path);
    return { onnx: stripWeights(source), onnxContents: contentsOf(source, (name) => beside.open(name)) };
  } catch (error) {
    throw named(error, path);
  } finally {
    beside.close();
    await file.close();
  }
}

/** The same for a file in memory. */
export function onnxArchitectureOf(bytes: Uint8Array): Architecture {
  try {
    const source = memorySource(bytes);
    checkPointer(source, 'the model');
    return { onnx: stripWeights(source), onnxContents: contentsOf(source) };
  } catch (error) {
    throw named(error, 'the model');
  }
}

function named(error: unknown, name: string): unknown {
  if (!(error instanceof WireError)) return error;
  return new LogahError('invalid_argument', `${name} is not an ONNX file, or cut short: ${error.message}`, {
    cause: error,
  });
}

function contentsOf(source: ByteSource, beside?: OpenBeside): OnnxContent[] {
  return tensorContents(source, beside).map(
    ({ name, kind, mean, deviation, nonNegative, sameAs, transposed }) => ({
      ...{ name, kind: CONTENT_KINDS[kind], mean, standardDeviation: deviation, nonNegative },
      ...(sameAs !== undefined && { sameAs, transposed }),
    }),
  );
}

const CONTENT_KINDS = {
  other: 'ONNX_CONTENT_KIND_UNSPECIFIED',
  zeros: 'ONNX_CONTENT_KIND_ZEROS',
  ones: 'ONNX_CONTENT_KIND_ONES',
  constant: 'ONNX_CONTENT_KIND_CONSTANT',
  drawn: 'ONNX_CONTENT_KIND_DRAWN',
  structured: 'ONNX_CONTENT_KIND_STRUCTURED',
} as const satisfies Record<ContentKind, string>;

const POINTER = 'version https://git-lfs.github.com/spec/';

/** A checkout without Git LFS has a text in place of the file. */
function checkPointer(source: ByteSource, name: string): void {
  const beginning = source.read(0, Math.min(source.size, POINTER.length));
  if (Buffer.from(beginning).toString('latin1') !== POINTER) return;
  throw new LogahError(
    'invalid_argument',
    `${name} is a Git LFS pointer, not the model; fetch it with git lfs pull`,
  );
}
