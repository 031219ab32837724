import type { ConfigReader } from '../config-reader';
import type { GatedBiases } from './gated-decoder';

/** Of families whose `attention_bias` is for queries, keys, values and the output. */
export function attentionBiases(reader: ConfigReader): GatedBiases {
  const bias = reader.boolean('attention_bias');
  return { queryKeyValue: bias, output: bias, feedForward: false };
}
