import { labelCount } from '../label-count';
import type { HeadPart } from './head';

/** Classes, from the mean of the patches; 0 labels stand for no layer. */
export function meanClassifier(name: string): HeadPart {
  return {
    read(reader) {
      const labels = labelCount(reader, 0);
      return {
        labels,
        add(graph, { last, width }) {
          const mean = graph.node('mean', 'glob_avg', [], [last]);
          if (labels > 0) graph.linear(name, labels, width, [mean], { classifier: true });
        },
      };
    },
  };
}
