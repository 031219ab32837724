/** transformers' BERT. Source: `modeling_bert.py` of transformers 5.23. */

import { classifier, questionAnswering } from '../heads/classifier';
import { bareModel, head } from '../heads/head';
import { maskedLanguage } from '../heads/masked-language';
import { bertEncoder } from './bert-encoder';

const PREFIX = 'bert.';

const predictions = maskedLanguage({
  dense: 'cls.predictions.transform.dense',
  norm: 'cls.predictions.transform.LayerNorm',
  decoder: 'cls.predictions.decoder',
  bias: 'cls.predictions.bias',
});
const nextSentence = classifier('cls.seq_relationship', { pools: true, outputs: 2 });

export const bert = bertEncoder({
  modelType: 'bert',
  embeddings: ['word', 'position', 'token_type', 'norm'],
  heads: [
    head('BertForMaskedLM', PREFIX, [predictions]),
    head('BertForSequenceClassification', PREFIX, [classifier('classifier', { pools: true })]),
    bareModel('BertModel', { pools: true }),
    head('BertForPreTraining', PREFIX, [predictions, nextSentence]),
    head('BertForTokenClassification', PREFIX, [classifier('classifier')]),
    head('BertForQuestionAnswering', PREFIX, [questionAnswering()]),
    head('BertForMultipleChoice', PREFIX, [classifier('classifier', { pools: true, outputs: 1 })]),
    head('BertForNextSentencePrediction', PREFIX, [nextSentence]),
    head('BertLMHeadModel', PREFIX, [predictions]),
  ],
});
