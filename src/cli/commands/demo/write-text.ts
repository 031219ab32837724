/** Text from a small language model, token by token. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { streamKey, uniform } from '../../../random/random';
import type { Network } from './forward';

/** Below 1: likely tokens become likelier. */
const TEMPERATURE = 0.7;

/** What a text is to begin with, and how many tokens follow. */
export interface TextOptions {
  readonly prompt: string;
  readonly tokens: number;
  readonly seed: number;
}

/** What the demo needs of a tokenizer. */
export interface TextTokenizer {
  readonly encode: (text: string) => { readonly ids: readonly number[] };
  readonly decode: (ids: number[]) => string;
}

interface TokenizerModule {
  readonly Tokenizer: new (tokenizer: object, config: object) => TextTokenizer;
}

/** The tokenizer of a directory that transformers reads. */
export async function readTokenizer(directory: string): Promise<TextTokenizer> {
  // Its types import files without their extensions, which this way of resolving does not find.
  const { Tokenizer } = (await import('@huggingface/tokenizers')) as unknown as TokenizerModule;
  const [tokenizer, config] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map(async (name) => {
      const fields: unknown = JSON.parse(await readFile(join(directory, name), 'utf8'));
      return fields as object;
    }),
  );
  return new Tokenizer(tokenizer ?? {}, config ?? {});
}

/** The prompt and what the network makes of it, drawn by `seed`. */
export async function writeText(
  network: Network,
  tokenizer: TextTokenizer,
  { prompt, tokens, seed }: TextOptions,
): Promise<string> {
  const ids = [...tokenizer.encode(prompt).ids];
  const key = streamKey(seed, prompt);
  for (let count = 0; count < tokens; count++) {
    const logits = await network.run(BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const last = logits.subarray(logits.length - logits.length / ids.length);
    ids.push(drawn(last, (uniform(key, count, 1) + 1) / 2));
  }
  return tokenizer.decode(ids);
}

/** The token at which the cumulated probabilities pass `share`, between 0 and 1. */
function drawn(logits: Float32Array, share: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (logit) => Math.exp((logit - largest) / TEMPERATURE));
  let left = share * weights.reduce((a, b) => a + b, 0);
  return Math.max(
    weights.findIndex((weight) => (left -= weight) <= 0),
    0,
  );
}
