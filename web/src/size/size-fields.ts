/** The sizes of a configuration that can be tried, and the ranges that a model was trained on. */

import type { Model } from '../../../src/gen/es/logah/v1/logah_pb';
import type { Config } from '../state/source';

/** A size of a configuration. */
export interface SizeField {
  /** The configuration's own name. */
  readonly name: string;
  /** The name that training ranges and violations have. */
  readonly common: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  /** Undefined where training is not recorded. */
  readonly trained: readonly [number, number] | undefined;
}

/** Common names of what families call otherwise. */
const COMMON_NAMES: Readonly<Record<string, string>> = {
  n_embd: 'hidden_size',
  d_model: 'hidden_size',
  dim: 'hidden_size',
  n_layer: 'num_hidden_layers',
  n_layers: 'num_hidden_layers',
  num_layers: 'num_hidden_layers',
  n_head: 'num_attention_heads',
  n_heads: 'num_attention_heads',
  num_heads: 'num_attention_heads',
  n_inner: 'intermediate_size',
  d_ff: 'intermediate_size',
  ffn_dim: 'intermediate_size',
  n_positions: 'max_position_embeddings',
};

/** What is a size, in the order in which they are shown. */
const SIZES: readonly string[] = [
  'hidden_size',
  'num_hidden_layers',
  'encoder_layers',
  'decoder_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'encoder_attention_heads',
  'decoder_attention_heads',
  'head_dim',
  'd_kv',
  'intermediate_size',
  'encoder_ffn_dim',
  'decoder_ffn_dim',
  'moe_intermediate_size',
  'num_local_experts',
  'num_experts',
  'patch_size',
  'image_size',
  'num_channels',
  'vocab_size',
  'max_position_embeddings',
  'num_labels',
];

/** Sizes that are counted one by one. */
const COUNTED = /layers|heads|experts|patch_size|channels|labels/;

/** The sizes that a configuration has, or its family goes without saying. */
export function sizeFields(config: Config, model: Model | undefined, family: string): readonly SizeField[] {
  const ranges = rangesOf(model, family);
  return Object.entries(config)
    .flatMap(([name, value]) => {
      const common = COMMON_NAMES[name] ?? name;
      const isSize =
        SIZES.includes(common) && typeof value === 'number' && Number.isInteger(value) && value > 0;
      return isSize ? [fieldOf(name, common, value, ranges[common])] : [];
    })
    .sort((one, other) => SIZES.indexOf(one.common) - SIZES.indexOf(other.common));
}

function fieldOf(
  name: string,
  common: string,
  value: number,
  trained: readonly [number, number] | undefined,
): SizeField {
  const step = COUNTED.test(common) ? 1 : value % 8 === 0 ? 8 : 1;
  const top = Math.max(value * 2, trained?.[1] ?? 0);
  return { name, common, value, low: step, high: step * Math.ceil(top / step), step, trained };
}

function rangesOf(
  model: Model | undefined,
  family: string,
): Readonly<Record<string, readonly [number, number] | undefined>> {
  if (model === undefined || model.trainingJson === '') return {};
  const { ranges } = JSON.parse(model.trainingJson) as {
    readonly ranges?: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>;
  };
  return ranges?.[family] ?? {};
}
