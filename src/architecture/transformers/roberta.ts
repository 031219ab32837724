/**
 * transformers' `RobertaForMaskedLM` and `RobertaForSequenceClassification`. Source: `modeling_roberta.py` and
 * `configuration_roberta.py` of transformers 5.23.
 */

import { bertEncoder } from './bert-encoder';
import { maskedLanguageHead } from './masked-language-head';

export const roberta = bertEncoder({
  modelType: 'roberta',
  vocabulary: 50265,
  embeddings: ['word', 'token_type', 'norm', 'position'],
  heads: [
    maskedLanguageHead({
      architecture: 'RobertaForMaskedLM',
      tokens: 'roberta.embeddings.word_embeddings.weight',
      dense: 'lm_head.dense',
      norm: 'lm_head.layer_norm',
      decoder: 'lm_head.decoder',
      bias: 'lm_head.bias',
    }),
    {
      architecture: 'RobertaForSequenceClassification',
      classifies: true,
      add(graph, { width, labels }, last) {
        const dense = graph.linear('classifier.dense', width, width, [last]);
        graph.linear('classifier.out_proj', labels, width, [dense], { classifier: true });
      },
    },
  ],
});
