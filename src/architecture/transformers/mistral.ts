/**
 * transformers' `MistralForCausalLM`. Source: `modeling_mistral.py` and `configuration_mistral.py` of transformers
 * 5.23.
 */

import { gatedDecoder } from './gated-decoder';

export const mistral = gatedDecoder({
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  defaults: {
    intermediate_size: 14336,
    max_position_embeddings: 131072,
    num_key_value_heads: 8,
    vocab_size: 32000,
  },
  headsDivideWidth: false,
  biases: () => ({ queryKeyValue: false, output: false, feedForward: false }),
});
