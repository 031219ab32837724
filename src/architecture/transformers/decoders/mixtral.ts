/** transformers' Mixtral: every feed-forward layer is a mixture of experts. Source: `modeling_mixtral.py` of transformers 5.23. */

import { decoderHeads } from './decoder-heads';
import { gatedDecoder } from './gated-decoder';

export const mixtral = gatedDecoder({
  modelType: 'mixtral',
  heads: decoderHeads('Mixtral', { questionBody: 'model.' }),
  experts(reader, layers) {
    const experts = reader.size('num_local_experts');
    const hidden = reader.size('intermediate_size');
    return {
      kinds: [{ kind: 'experts', experts, hidden, routerFirst: true }],
      counts: [layers],
      kindOf: () => 0,
      sizes: { num_local_experts: experts },
    };
  },
});
