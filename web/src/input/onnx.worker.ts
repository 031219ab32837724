/** Reads ONNX files on a thread of its own, where a file can be read piece by piece without waiting for each. */

import { stripWeights } from '../../../src/onnx-file/strip';
import { tensorContents } from '../../../src/onnx-file/summarise';
import type { ByteSource } from '../../../src/onnx-file/wire';
import type { OnnxAnswer } from './onnx-protocol';

/** What is used of a worker's surroundings; the page's library has another `FileReaderSync`. */
declare const FileReaderSync: new () => { readAsArrayBuffer: (blob: Blob) => ArrayBuffer };

/** Fields are a few bytes each: they are read from blocks. */
const BLOCK_BYTES = 2 ** 18;

self.addEventListener('message', ({ data: file }: MessageEvent<File>) => {
  let answer: OnnxAnswer;
  try {
    const source = fileSource(file);
    answer = { kind: 'read', onnx: stripWeights(source), contents: tensorContents(source) };
  } catch (error) {
    answer = { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
});

function fileSource(file: File): ByteSource {
  const reader = new FileReaderSync();
  const read = (start: number, end: number): Uint8Array =>
    new Uint8Array(reader.readAsArrayBuffer(file.slice(start, end)));
  let first = 0;
  let block = new Uint8Array(0);
  const show = (start: number, end: number): void => {
    if (start >= first && end <= first + block.length) return;
    first = start;
    block = read(start, Math.min(file.size, start + BLOCK_BYTES)) as Uint8Array<ArrayBuffer>;
  };
  return {
    size: file.size,
    read: (start, end) => {
      if (end - start > BLOCK_BYTES) return read(start, end);
      show(start, end);
      return block.subarray(start - first, end - first);
    },
    byteAt: (position) => {
      show(position, position + 1);
      return block[position - first] ?? 0;
    },
  };
}
