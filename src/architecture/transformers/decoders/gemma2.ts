/** transformers' Gemma 2: a norm behind each layer, too. Source: `modeling_gemma2.py` of transformers 5.23. */

import { attentionBiases } from './attention-biases';
import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const gemma2 = gatedDecoder({
  modelType: 'gemma2',
  heads: decoderHeads('Gemma2'),
  headsDivideWidth: true,
  norms: 'zero-centred',
  normsBehind: true,
  biases: attentionBiases,
});
