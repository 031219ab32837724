/** ONNX files without the data of their weights, and what that data shows. */

import { create } from '@bufbuild/protobuf';
import {
  ArchitectureSchema,
  OnnxContentKind,
  type Architecture,
} from '../../../src/gen/es/logah/v1/architecture_pb';
import { FileFault } from '../contract/fault';
import type { OnnxAnswer } from './onnx-protocol';

type ContentKind = Extract<OnnxAnswer, { kind: 'read' }>['contents'][number]['kind'];

const CONTENT_KINDS: Readonly<Record<ContentKind, OnnxContentKind>> = {
  other: OnnxContentKind.UNSPECIFIED,
  zeros: OnnxContentKind.ZEROS,
  ones: OnnxContentKind.ONES,
  constant: OnnxContentKind.CONSTANT,
  drawn: OnnxContentKind.DRAWN,
  structured: OnnxContentKind.STRUCTURED,
};

/** The version of the format, field 1, comes first in the files that tools write. */
export function isOnnx(head: Uint8Array): boolean {
  const [field, version = 0] = head;
  return field === 0x08 && version > 0 && version < 64;
}

/** The architecture of an ONNX file. Throws FileFault where it is none. */
export async function readOnnx(file: File): Promise<Architecture> {
  const answer = await askWorker(file);
  if (answer.kind === 'failed') {
    throw new FileFault(`${file.name} is not an ONNX file, or cut short: ${answer.message}`);
  }
  const onnxContents = answer.contents.map(({ kind, deviation, sameAs = '', ...content }) => ({
    ...content,
    kind: CONTENT_KINDS[kind],
    standardDeviation: deviation,
    sameAs,
  }));
  return create(ArchitectureSchema, { source: { case: 'onnx', value: answer.onnx }, onnxContents });
}

async function askWorker(file: File): Promise<OnnxAnswer> {
  const worker = new Worker(new URL('./onnx.worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<OnnxAnswer>) => {
        resolve(data);
      });
      worker.addEventListener('error', ({ message }) => {
        reject(new FileFault(`${file.name} cannot be read: ${message}`));
      });
      worker.postMessage(file);
    });
  } finally {
    worker.terminate();
  }
}
