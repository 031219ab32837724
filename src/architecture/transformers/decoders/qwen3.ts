/** transformers' Qwen3: each head's queries and keys are normalised. Source: `modeling_qwen3.py` of transformers 5.23. */

import { attentionBiases } from './attention-biases';
import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const qwen3 = gatedDecoder({
  modelType: 'qwen3',
  heads: decoderHeads('Qwen3', { questionBody: 'transformer.' }),
  headNorms: true,
  widens: true,
  biases: attentionBiases,
});
