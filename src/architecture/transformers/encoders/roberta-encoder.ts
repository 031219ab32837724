/** Encoders in RoBERTa's manner: BERT's, with the heads that RoBERTa's classes have. */

import type { TransformersFamily } from '../family';
import { classifier, questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head } from '../heads/head';
import { maskedLanguage } from '../heads/masked-language';
import { bertEncoder } from './bert-encoder';

/** What the modules call the body, in every family. */
const PREFIX = 'roberta.';

/** A family whose classes' names begin with `name`; `headsFirst`: modules list their heads before the body. */
export function robertaEncoder(
  modelType: string,
  name: string,
  { headsFirst: comesFirst = false } = {},
): TransformersFamily {
  const tokens = maskedLanguage({
    dense: 'lm_head.dense',
    norm: 'lm_head.layer_norm',
    decoder: 'lm_head.decoder',
    bias: 'lm_head.bias',
  });
  const ofSequences = denseClassifier('classifier.dense', 'classifier.out_proj');
  const ofChoices = classifier('classifier', { pools: true, outputs: 1 });
  return bertEncoder({
    modelType,
    padsPositions: true,
    embeddings: ['word', 'token_type', 'norm', 'position'],
    heads: [
      head(`${name}ForMaskedLM`, PREFIX, [tokens], { comesFirst }),
      head(`${name}ForSequenceClassification`, PREFIX, [ofSequences], { comesFirst }),
      bareModel(`${name}Model`, { pools: true }),
      head(`${name}ForTokenClassification`, PREFIX, [classifier('classifier')], { comesFirst }),
      head(`${name}ForQuestionAnswering`, PREFIX, [questionAnswering()], { comesFirst }),
      head(`${name}ForMultipleChoice`, PREFIX, [ofChoices], { comesFirst }),
      head(`${name}ForCausalLM`, PREFIX, [tokens], { comesFirst }),
    ],
  });
}
