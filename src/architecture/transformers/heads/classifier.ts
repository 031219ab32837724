import { labelCount } from '../label-count';
import { readNode, type HeadPart } from './head';

export interface ClassifierOptions {
  readonly bias?: boolean;
  /** Of the pooled hidden state. */
  readonly pools?: boolean;
  /** Outputs; undefined: as many as the configuration has labels. */
  readonly outputs?: number;
  /** Whether the class answers with what the layer makes, not with a part of it, such as one token's. */
  readonly whole?: boolean;
  /** The only number of labels that the class takes. */
  readonly exactly?: number;
  /** Whether 0 labels stand for no layer at all. */
  readonly canBeAbsent?: boolean;
}

/** A linear layer whose outputs are classes: of sequences, tokens, or beginnings and ends of answers. */
export function classifier(
  name: string,
  { bias = true, pools = false, outputs, whole = true, exactly, canBeAbsent = false }: ClassifierOptions = {},
): HeadPart {
  return {
    pools,
    read(reader) {
      const labels = outputs === undefined ? labelCount(reader, canBeAbsent ? 0 : 1) : undefined;
      if (exactly !== undefined && labels !== exactly) {
        reader.violation('num_labels', `is ${labels ?? 0}; the class takes ${exactly}`);
      }
      const classes = labels ?? outputs ?? 0;
      return {
        labels,
        add(graph, body) {
          if (classes === 0) return;
          graph.linear(name, classes, body.width, [readNode(body, pools)], { bias, classifier: whole });
        },
      };
    },
  };
}

/** The beginning and the end of an answer, from each token. */
export function questionAnswering(options: { outputs?: number; exactly?: number } = {}): HeadPart {
  return classifier('qa_outputs', { whole: false, ...options });
}
