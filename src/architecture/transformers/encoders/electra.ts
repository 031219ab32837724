/** transformers' ELECTRA: BERT's encoder, whose embeddings can be narrower. Source: `modeling_electra.py` of transformers 5.23. */

import { classifier, questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head } from '../heads/head';
import { maskedLanguage } from '../heads/masked-language';
import { summary } from '../heads/summary';
import { bertEncoder } from './bert-encoder';

const PREFIX = 'electra.';

const tokens = maskedLanguage({
  dense: 'generator_predictions.dense',
  norm: 'generator_predictions.LayerNorm',
  decoder: 'generator_lm_head',
  normFirst: true,
});

export const electra = bertEncoder({
  modelType: 'electra',
  embeddings: ['word', 'position', 'token_type', 'norm'],
  ownEmbeddingSize: true,
  heads: [
    head('ElectraForPreTraining', PREFIX, [
      denseClassifier('discriminator_predictions.dense', 'discriminator_predictions.dense_prediction', {
        outputs: 1,
      }),
    ]),
    head('ElectraForMaskedLM', PREFIX, [tokens]),
    bareModel('ElectraModel'),
    head('ElectraForSequenceClassification', PREFIX, [
      denseClassifier('classifier.dense', 'classifier.out_proj'),
    ]),
    head('ElectraForTokenClassification', PREFIX, [classifier('classifier')]),
    head('ElectraForQuestionAnswering', PREFIX, [questionAnswering()]),
    head('ElectraForMultipleChoice', PREFIX, [
      summary('sequence_summary.summary', { classifier: 'classifier' }),
    ]),
    head('ElectraForCausalLM', PREFIX, [tokens]),
  ],
});
