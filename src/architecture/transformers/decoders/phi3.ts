/** transformers' Phi-3: queries, keys and values are one matrix, gate and up another. Source: `modeling_phi3.py` of transformers 5.23. */

import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const phi3 = gatedDecoder({
  modelType: 'phi3',
  heads: decoderHeads('Phi3'),
  fused: true,
});
