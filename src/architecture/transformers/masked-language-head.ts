import type { EncoderHead } from './bert-encoder';

/** What the parts of a head are called. */
export interface MaskedLanguageNames {
  readonly architecture: string;
  readonly tokens: string;
  readonly dense: string;
  readonly norm: string;
  readonly decoder: string;
  readonly bias: string;
}

/** A head that predicts tokens: a layer, its norm, and a projection to the vocabulary, which can be the token table. */
export function maskedLanguageHead(names: MaskedLanguageNames): EncoderHead {
  return {
    architecture: names.architecture,
    classifies: false,
    add(graph, { width, vocabulary, tied }, last) {
      const bias = graph.keepPlace();
      const dense = graph.linear(names.dense, width, width, [last]);
      const norm = graph.layerNorm(names.norm, width, [dense]);
      if (tied) {
        const node = graph.node(names.bias, 'bias', [vocabulary], [norm]);
        graph.at(bias, () => {
          graph.predicted(names.bias, [vocabulary], node, 'bias', { classifier: true });
        });
        graph.tied(`${names.decoder}.weight`, [vocabulary, width], names.tokens, norm);
        graph.tied(`${names.decoder}.bias`, [vocabulary], names.bias);
      } else {
        // Nothing reads it then; transformers makes it zeros.
        graph.at(bias, () => {
          graph.initialized(names.bias, [vocabulary], { rule: 'zeros', standardDeviation: 0 });
        });
        graph.linear(names.decoder, vocabulary, width, [norm], { classifier: true });
      }
    },
  };
}
