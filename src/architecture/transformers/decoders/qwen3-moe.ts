/**
 * transformers' Qwen3-MoE: some feed-forward layers are mixtures of experts, all unless the configuration says otherwise.
 * Source: `modeling_qwen3_moe.py` of transformers 5.23.
 */

import type { ConfigReader } from '../config-reader';
import { attentionBiases } from './attention-biases';
import { decoderHeads } from './decoder-heads';
import { gatedDecoder, type LayerKinds } from './gated-decoder';

export const qwen3Moe = gatedDecoder({
  modelType: 'qwen3_moe',
  heads: decoderHeads('Qwen3Moe', { questionBody: 'transformer.' }),
  headNorms: true,
  biases: attentionBiases,
  experts,
});

function experts(reader: ConfigReader, layers: number): LayerKinds {
  const count = reader.size('num_experts', 0);
  const step = reader.size('decoder_sparse_step');
  const hidden = reader.size('moe_intermediate_size');
  const dense = new Set(denseLayers(reader));
  const isSparse = (layer: number): boolean => count > 0 && !dense.has(layer) && (layer + 1) % step === 0;
  const excluded = [...dense].filter(
    (layer) => layer >= 0 && layer < layers && (layer + 1) % step === 0,
  ).length;
  const sparse = count > 0 ? Math.floor(layers / step) - excluded : 0;
  return {
    kinds: [
      { kind: 'gated', hidden: reader.size('intermediate_size'), bias: false },
      {
        kind: 'experts',
        experts: Math.max(count, 1),
        hidden,
        routerFirst: false,
      },
    ],
    counts: [layers - sparse, sparse],
    kindOf: (layer) => Number(isSparse(layer)),
    sizes: { num_experts: count, moe_intermediate_size: hidden },
  };
}

/** The layers that `mlp_only_layers` keeps without experts. */
function denseLayers(reader: ConfigReader): number[] {
  const layers = reader.raw('mlp_only_layers') ?? [];
  if (Array.isArray(layers) && layers.every((layer) => Number.isInteger(layer))) return layers as number[];
  reader.violation('mlp_only_layers', 'must be a list of integers, the indices of layers');
  return [];
}
