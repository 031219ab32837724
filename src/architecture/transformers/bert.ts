/**
 * transformers' `BertForMaskedLM` and `BertForSequenceClassification`. Source: `modeling_bert.py` and
 * `configuration_bert.py` of transformers 5.23.
 */

import { bertEncoder } from './bert-encoder';
import { maskedLanguageHead } from './masked-language-head';

export const bert = bertEncoder({
  modelType: 'bert',
  vocabulary: 30522,
  embeddings: ['word', 'position', 'token_type', 'norm'],
  heads: [
    maskedLanguageHead({
      architecture: 'BertForMaskedLM',
      tokens: 'bert.embeddings.word_embeddings.weight',
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      decoder: 'cls.predictions.decoder',
      bias: 'cls.predictions.bias',
    }),
    {
      architecture: 'BertForSequenceClassification',
      classifies: true,
      add(graph, { width, labels }, last) {
        const pooler = graph.linear('bert.pooler.dense', width, width, [last]);
        graph.linear('classifier', labels, width, [pooler], { classifier: true });
      },
    },
  ],
});
