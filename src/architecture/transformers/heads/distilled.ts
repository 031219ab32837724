import { labelCount } from '../label-count';
import type { HeadPart } from './head';

/** Classifiers of the class token and of the distillation token, whose answers are averaged. */
export function distilledClassifiers(...names: readonly string[]): HeadPart {
  return {
    read(reader) {
      const labels = labelCount(reader, 0);
      return {
        labels,
        add(graph, { last, width }) {
          if (labels === 0) return;
          const answers = names.map((name) =>
            graph.linear(name, labels, width, [last], { classifier: true }),
          );
          graph.node('sum', 'sum', [], answers);
        },
      };
    },
  };
}
