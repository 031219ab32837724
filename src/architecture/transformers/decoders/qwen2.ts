/** transformers' Qwen2. Source: `modeling_qwen2.py` of transformers 5.23. */

import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const qwen2 = gatedDecoder({
  modelType: 'qwen2',
  heads: decoderHeads('Qwen2', { questionBody: 'transformer.' }),
  widens: true,
  biases: () => ({ queryKeyValue: true, output: false, feedForward: false }),
});
