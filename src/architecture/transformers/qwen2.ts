/** transformers' `Qwen2ForCausalLM`. Source: `modeling_qwen2.py` and `configuration_qwen2.py` of transformers 5.23. */

import { gatedDecoder } from './gated-decoder';

export const qwen2 = gatedDecoder({
  modelType: 'qwen2',
  architecture: 'Qwen2ForCausalLM',
  defaults: {
    intermediate_size: 22016,
    max_position_embeddings: 32768,
    num_key_value_heads: 32,
    vocab_size: 151936,
  },
  headsDivideWidth: false,
  biases: () => ({ queryKeyValue: true, output: false, feedForward: false }),
});
