import type { HeadPart } from './head';
import { tokenTable } from './language';

/** What the parts are called. */
export interface MaskedLanguageNames {
  readonly dense: string;
  readonly norm: string;
  readonly decoder: string;
  /** Of a bias that stands beside the decoder, which then has it as its own where the weight is tied. */
  readonly bias?: string;
  /** Whether the module lists the norm before the layer that it follows. */
  readonly normFirst?: boolean;
}

/** Tokens: a layer, its norm, and a projection to the vocabulary, which can be the table of tokens. */
export function maskedLanguage({
  dense,
  norm,
  decoder,
  bias: ownBias,
  normFirst = false,
}: MaskedLanguageNames): HeadPart {
  return {
    ties: true,
    read: () => ({
      add(graph, body) {
        const { name: tokens, entries, width, tied } = tokenTable(body);
        const bias = graph.keepPlace();
        const normPlace = normFirst ? graph.keepPlace() : undefined;
        const inner = graph.linear(dense, width, body.width, [body.last]);
        const addNorm = (): number => graph.layerNorm(norm, width, [inner]);
        const normed = normPlace === undefined ? addNorm() : graph.at(normPlace, addNorm);
        if (!tied) {
          if (ownBias !== undefined) {
            // Nothing reads it then; transformers makes it zeros.
            graph.at(bias, () => {
              graph.initialized(ownBias, [entries], { rule: 'zeros', standardDeviation: 0 });
            });
          }
          graph.linear(decoder, entries, width, [normed], { classifier: true });
          return;
        }
        const name = ownBias ?? `${decoder}.bias`;
        const node = graph.node(name, 'bias', [entries], [normed]);
        const addBias = (): void => {
          graph.predicted(name, [entries], node, 'bias', { classifier: true });
        };
        if (ownBias !== undefined) graph.at(bias, addBias);
        graph.tied(`${decoder}.weight`, [entries, width], tokens, normed);
        if (ownBias === undefined) addBias();
        else graph.tied(`${decoder}.bias`, [entries], ownBias);
      },
    }),
  };
}
