import { labelCount } from '../label-count';
import { readNode, type HeadPart } from './head';

export interface DenseClassifierOptions {
  readonly pools?: boolean;
  /** Outputs; undefined: as many as the configuration has labels. */
  readonly outputs?: number;
  /** Labels where the configuration says nothing of them. */
  readonly labels?: number;
}

/** A layer as wide as the network, and one whose outputs are classes. */
export function denseClassifier(
  dense: string,
  projection: string,
  { pools = false, outputs, labels: fallback }: DenseClassifierOptions = {},
): HeadPart {
  return {
    pools,
    read(reader) {
      const labels = outputs === undefined ? labelCount(reader, 1, fallback) : undefined;
      const classes = labels ?? outputs ?? 0;
      return {
        labels,
        add(graph, body) {
          const { width } = body;
          const hidden = graph.linear(dense, width, width, [readNode(body, pools)]);
          graph.linear(projection, classes, width, [hidden], { classifier: true });
        },
      };
    },
  };
}
