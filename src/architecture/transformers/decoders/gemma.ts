/** transformers' Gemma: norms multiply by 1 + weight. Source: `modeling_gemma.py` of transformers 5.23. */

import { attentionBiases } from './attention-biases';
import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const gemma = gatedDecoder({
  modelType: 'gemma',
  heads: decoderHeads('Gemma'),
  norms: 'zero-centred',
  biases: attentionBiases,
});
