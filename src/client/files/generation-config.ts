/** How transformers generates text with a network: the content of the `generation_config.json` beside its weights. */

import { isObject, parsePythonJson, plain } from '../../python-json';

/** The file's name. */
export const GENERATION_CONFIG = 'generation_config.json';

/** What a configuration calls the number of positions that its network has. */
const POSITIONS = ['n_positions', 'max_position_embeddings'];
/** The tokens that generation asks for, as `tokenizer_config.json` names them. */
const TOKENS = ['bos_token', 'eos_token', 'pad_token'];

/**
 * Of a network's `config.json` and its tokenizer's files: no more tokens than the network has positions, where transformers
 * itself would go beyond them, and its tokens as the tokenizer numbers them. Undefined where these are not JSON objects.
 */
export function generationConfig(config: Buffer, tokenizer: ReadonlyMap<string, Buffer>): Buffer | undefined {
  const network = parsed(config);
  const names = parsed(tokenizer.get('tokenizer_config.json'));
  const tokens = parsed(tokenizer.get('tokenizer.json'));
  if (network === undefined || names === undefined || tokens === undefined) return undefined;
  const fields: Record<string, unknown> = { do_sample: true, temperature: 0.7 };
  const positions = POSITIONS.map((name) => network[name]).find(isPositiveInteger);
  if (positions !== undefined) fields.max_length = positions;
  const ids = tokenIds(tokens);
  for (const name of TOKENS) {
    const id = ids.get(contentOf(names[name]));
    if (Number.isSafeInteger(id)) fields[`${name}_id`] = id;
  }
  const sorted = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(`${JSON.stringify(sorted, null, 2)}\n`);
}

type Json = Readonly<Record<string, unknown>>;

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function parsed(file: Buffer | undefined): Json | undefined {
  if (file === undefined) return undefined;
  try {
    const value = plain(parsePythonJson(file.toString('utf8')));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The numbers of the tokens that are no text, by what they look like. */
function tokenIds({ added_tokens: added }: Json): ReadonlyMap<unknown, unknown> {
  const tokens: unknown[] = Array.isArray(added) ? added : [];
  return new Map(tokens.filter(isObject).map(({ content, id }) => [content, id]));
}

/** A token is named by what it looks like, or by an object that says so. */
function contentOf(token: unknown): unknown {
  return isObject(token) ? token.content : token;
}
