import { classifier, questionAnswering } from '../heads/classifier';
import { bareModel, head, type Head } from '../heads/head';
import { language } from '../heads/language';

/** Names that tell one family's classes from another's. */
export interface DecoderClassNames {
  /** What the body's names begin with. */
  readonly body?: string;
  readonly bareModel?: string;
  readonly sequenceClassification?: string;
  /** The layer that classifies tokens; undefined: the family has no such class. */
  readonly tokenClassifier?: string | undefined;
  /** What the body's names begin with where questions are answered; undefined: the family has no such class. */
  readonly questionBody?: string | undefined;
}

/** The classes of a decoder whose names begin with `name`: language models first. */
export function decoderHeads(
  name: string,
  {
    body = 'model.',
    bareModel: bare = `${name}Model`,
    sequenceClassification = `${name}ForSequenceClassification`,
    tokenClassifier = 'score',
    questionBody,
  }: DecoderClassNames = {},
): readonly [Head, ...Head[]] {
  const ofTokens = `${name}ForTokenClassification`;
  const ofQuestions = `${name}ForQuestionAnswering`;
  return [
    head(`${name}ForCausalLM`, body, [language()]),
    bareModel(bare),
    head(sequenceClassification, body, [classifier('score', { bias: false, whole: false })]),
    ...(tokenClassifier === '' ? [] : [head(ofTokens, body, [classifier(tokenClassifier)])]),
    ...(questionBody === undefined
      ? []
      : [head(ofQuestions, questionBody, [questionAnswering({ outputs: 2 })])]),
  ];
}
