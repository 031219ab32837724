/** Test images of Fashion-MNIST, which ship with the example: gzipped IDX files, as the data set's own. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Mean and standard deviation of the training pixels, in units of the full range 0 to 1, as the model was trained. */
const MEAN = 0.2861;
const DEVIATION = 0.353;

/** What the classes are called, in the order of the labels. */
export const CLASSES = [
  't-shirt',
  'trousers',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'boot',
] as const;

/** Images of `side` × `side` pixels, a byte each, and their labels. */
export interface LabelledImages {
  readonly side: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Reads the images of an example's directory. */
export async function readImages(directory: string): Promise<LabelledImages> {
  const images = await readIdx(join(directory, 'images.idx3.gz'));
  const labels = await readIdx(join(directory, 'labels.idx1.gz'));
  return { side: images.shape[1] ?? 0, pixels: images.data, labels: labels.data };
}

/** The pixels as the network reads them: float32 [count, 1, side, side]. */
export function normalized({ pixels }: LabelledImages): Float32Array {
  return Float32Array.from(pixels, (pixel) => (pixel / 255 - MEAN) / DEVIATION);
}

/** A file of bytes in the IDX format: two zeros, the type, the number of dimensions, the sizes, the data. */
async function readIdx(path: string): Promise<{ shape: readonly number[]; data: Uint8Array }> {
  const bytes = await promisify(gunzip)(await readFile(path));
  const dimensions = bytes[3] ?? 0;
  const shape = Array.from({ length: dimensions }, (_, index) => bytes.readUInt32BE(4 + 4 * index));
  return { shape, data: bytes.subarray(4 + 4 * dimensions) };
}
