import { labelCount } from '../label-count';
import type { HeadPart } from './head';

export interface SummaryOptions {
  /** The number of classes, where the class fixes it. */
  readonly labels?: number;
  /** The layer of classes that reads the summary; undefined: the summary is the answer. */
  readonly classifier?: string;
}

/** transformers' SequenceSummary: one token's hidden state, projected unless the configuration says otherwise. */
export function summary(name: string, { labels: fixed, classifier }: SummaryOptions = {}): HeadPart {
  return {
    read(reader) {
      if (reader.raw('summary_type') === 'attn') {
        reader.violation('summary_type', 'is "attn", which transformers has not either');
      }
      const projects = reader.boolean('summary_use_proj');
      const toLabels = reader.boolean('summary_proj_to_labels');
      const labels = fixed ?? labelCount(reader);
      const isAnswer = classifier === undefined;
      return {
        add(graph, { last, width }) {
          const outputs = toLabels ? labels : width;
          const read = projects ? graph.linear(name, outputs, width, [last], { classifier: isAnswer }) : last;
          if (!isAnswer) graph.linear(classifier, 1, width, [read], { classifier: true });
        },
      };
    },
  };
}
