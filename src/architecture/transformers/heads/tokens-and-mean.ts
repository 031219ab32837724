import { labelCount } from '../label-count';
import type { HeadPart } from './head';

/** Classes, from the class token and the mean of the patches side by side; 0 labels stand for no layer. */
export function tokensAndMean(name: string): HeadPart {
  return {
    read(reader) {
      const labels = labelCount(reader, 0);
      return {
        labels,
        add(graph, { last, width }) {
          const mean = graph.node('mean', 'glob_avg', [], [last]);
          const both = graph.node('concat', 'concat', [], [last, mean]);
          if (labels > 0) graph.linear(name, labels, 2 * width, [both], { classifier: true });
        },
      };
    },
  };
}
