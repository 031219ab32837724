import { readNode, type HeadPart } from './head';

/** A linear layer without a bias from the pooled hidden state to `projection_dim`. */
export function projection(name: string): HeadPart {
  return {
    pools: true,
    read(reader) {
      const size = reader.size('projection_dim');
      return {
        add(graph, body) {
          graph.linear(name, size, body.width, [readNode(body, true)], { bias: false, classifier: true });
        },
      };
    },
  };
}
