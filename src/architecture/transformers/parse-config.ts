import { isUtf8 } from 'node:buffer';
import { invalidField } from '../../errors';
import { quoted } from '../../graph/violations';
import { CONFIG_FIELD } from './config-reader';

/** As the contract has it. */
const MAX_BYTES = 1024 * 1024;

/** The object in UTF-8 JSON. Throws LogahError `invalid_argument`. */
export function parseConfig(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_BYTES) {
    throw invalidField(CONFIG_FIELD, `has ${bytes.length} bytes; at most ${MAX_BYTES} (1 MiB) are allowed`);
  }
  if (!isUtf8(bytes)) throw invalidField(CONFIG_FIELD, 'is not UTF-8');
  const value = parseJson(new TextDecoder().decode(bytes));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidField(CONFIG_FIELD, `must be a JSON object, not ${quoted(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw invalidField(CONFIG_FIELD, `is not JSON: ${cause.message}`);
  }
}
