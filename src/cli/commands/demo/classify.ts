/** What a network says of images. */

import type { Network } from './forward';
import { normalized, type LabelledImages } from './images';

/** The class with the largest logit, for each image. */
export async function classify(network: Network, images: LabelledImages): Promise<readonly number[]> {
  const count = images.labels.length;
  const logits = await network.run(normalized(images), [count, 1, images.side, images.side]);
  const classes = logits.length / count;
  return Array.from({ length: count }, (_, index) =>
    indexOfLargest(logits.subarray(index * classes, (index + 1) * classes)),
  );
}

/** The share of answers that are the labels. */
export function accuracy(answers: readonly number[], { labels }: LabelledImages): number {
  return answers.filter((answer, index) => answer === labels[index]).length / labels.length;
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? -Infinity) ? index : best), 0);
}
