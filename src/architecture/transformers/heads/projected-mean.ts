import { labelCount } from '../label-count';
import type { HeadPart } from './head';

/** Classes, from the mean over time of a projection to `classifier_proj_size`. */
export function projectedMeanClassifier(projector: string, name: string): HeadPart {
  return {
    read(reader) {
      const size = reader.size('classifier_proj_size');
      const labels = labelCount(reader);
      return {
        labels,
        add(graph, { last, width }) {
          const projected = graph.linear(projector, size, width, [last]);
          const mean = graph.node('mean', 'glob_avg', [], [projected]);
          graph.linear(name, labels, size, [mean], { classifier: true });
        },
      };
    },
  };
}
