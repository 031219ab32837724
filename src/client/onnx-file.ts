import { open } from 'node:fs/promises';
import { LogahError } from '../errors';
import type { Architecture } from '../gen/logah/v1/Architecture';
import { fileSource } from '../onnx-file/file-source';
import { stripWeights } from '../onnx-file/strip';
import { memorySource, WireError } from '../onnx-file/wire';

/**
 * The architecture in an ONNX file, for a request: the file without the data of its weights, of which nothing is read,
 * in the file or beside it. Takes memory for what is sent alone, a few kilobytes a layer. Throws LogahError
 * (invalid_argument) naming the file where it is no ONNX file or cut short, and the system's errors.
 */
export async function onnxArchitecture(path: string): Promise<Architecture> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return { onnx: stripWeights(fileSource(file.fd, size)) };
  } catch (error) {
    throw named(error, path);
  } finally {
    await file.close();
  }
}

/** The same for a file in memory. */
export function onnxArchitectureOf(bytes: Uint8Array): Architecture {
  try {
    return { onnx: stripWeights(memorySource(bytes)) };
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
