/** The language part of transformers' Gemma 3. Source: `modeling_gemma3.py` of transformers 5.23. */

import { attentionBiases } from './attention-biases';
import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const gemma3Text = gatedDecoder({
  modelType: 'gemma3_text',
  heads: decoderHeads('Gemma3', {
    bareModel: 'Gemma3TextModel',
    sequenceClassification: 'Gemma3TextForSequenceClassification',
    tokenClassifier: '',
  }),
  headsDivideWidth: true,
  norms: 'zero-centred',
  normsBehind: true,
  headNorms: true,
  biases: attentionBiases,
});
