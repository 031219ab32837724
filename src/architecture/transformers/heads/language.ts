import type { Body, HeadPart, TokenTable } from './head';

export interface LanguageOptions {
  /** Whether the class answers with what the layer makes, to which nothing is added. */
  readonly whole?: boolean;
}

/** A projection of the last hidden state to the vocabulary, without a bias; it can be the table of tokens. */
export function language(name = 'lm_head', { whole = true }: LanguageOptions = {}): HeadPart {
  return {
    ties: true,
    read(reader) {
      // What answers then are the outputs squeezed.
      const isWhole = whole && typeof reader.value('final_logit_softcapping') !== 'number';
      return {
        add(graph, body) {
          const { name: tokens, entries, width, tied } = tokenTable(body);
          if (tied) graph.tied(`${name}.weight`, [entries, width], tokens, body.last);
          else graph.linear(name, entries, width, [body.last], { bias: false, classifier: isWhole });
        },
      };
    },
  };
}

/** Throws where the body reads no tokens, which is a fault of ours. */
export function tokenTable({ tokens }: Body): TokenTable {
  if (tokens === undefined) throw new Error('the body has no table of tokens');
  return tokens;
}
