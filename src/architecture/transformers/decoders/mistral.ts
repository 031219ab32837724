/** transformers' Mistral. Source: `modeling_mistral.py` of transformers 5.23. */

import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const mistral = gatedDecoder({
  modelType: 'mistral',
  heads: decoderHeads('Mistral', { questionBody: 'model.' }),
  widens: true,
});
