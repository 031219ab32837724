/** transformers' Llama. Source: `modeling_llama.py` and `configuration_llama.py` of transformers 5.23. */

import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const llama = gatedDecoder({
  modelType: 'llama',
  heads: decoderHeads('Llama', { questionBody: 'transformer.' }),
  headsDivideWidth: true,
  widens: true,
  biases(reader) {
    if (reader.initializerRange > 1) {
      reader.violation('initializer_range', `must be at most 1, not ${reader.initializerRange}`);
    }
    const attention = reader.boolean('attention_bias');
    return { queryKeyValue: attention, output: attention, feedForward: reader.boolean('mlp_bias') };
  },
});
