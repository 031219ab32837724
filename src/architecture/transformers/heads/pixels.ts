import type { HeadPart } from './head';

/** The pixels of hidden patches: a convolution of the map of patches, whose channels are then laid out side by side. */
export function pixels(name: string): HeadPart {
  return {
    read(reader) {
      const outputs = reader.size('encoder_stride') ** 2 * reader.size('num_channels');
      return {
        add(graph, { last, width }) {
          const shape = [outputs, width, 1, 1];
          const weight = graph.node(`${name}.weight`, 'conv', shape, [last]);
          const bias = graph.node(`${name}.bias`, 'bias', [outputs], [weight]);
          graph.predicted(`${name}.weight`, shape, weight, 'matrix', { inputAxis: 1 });
          graph.predicted(`${name}.bias`, [outputs], bias, 'bias');
        },
      };
    },
  };
}
