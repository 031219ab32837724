import { isUtf8 } from 'node:buffer';
import { invalidField } from '../../errors';
import { quoted } from '../../graph/violations';
import { CONFIG_FIELD } from './config-reader';
import { isObject, parsePythonJson, plain } from '../../python-json';

/** As the contract has it. */
const MAX_BYTES = 1024 * 1024;

/** What a clone without Git LFS has in the place of a large file. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** The object in UTF-8 JSON, as Python reads it. Throws LogahError `invalid_argument`. */
export function parseConfig(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_BYTES) {
    throw invalidField(CONFIG_FIELD, `has ${bytes.length} bytes; at most ${MAX_BYTES} (1 MiB) are allowed`);
  }
  if (!isUtf8(bytes)) throw invalidField(CONFIG_FIELD, 'is not UTF-8');
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith(LFS_POINTER)) {
    throw invalidField(
      CONFIG_FIELD,
      'is a Git LFS pointer, not the file that it stands for; "git lfs pull" fetches that',
    );
  }
  const value = parseJson(text);
  if (!isObject(value))
    throw invalidField(CONFIG_FIELD, `must be a JSON object, not ${quoted(plain(value))}`);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw invalidField(CONFIG_FIELD, `is not JSON: ${cause.message}`);
  }
}
