/** transformers' `LlamaForCausalLM`. Source: `modeling_llama.py` and `configuration_llama.py` of transformers 5.23. */

import { gatedDecoder } from './gated-decoder';

export const llama = gatedDecoder({
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  defaults: { intermediate_size: 11008, max_position_embeddings: 2048, vocab_size: 32000 },
  headsDivideWidth: true,
  biases(reader) {
    const attention = reader.boolean('attention_bias', false);
    return {
      queryKeyValue: attention,
      output: attention,
      feedForward: reader.boolean('mlp_bias', false),
    };
  },
});
