/** Fields of a configuration that nothing reads, and that look like one that was meant. */

import { nearestName } from '../../nearest-name';

/** More fields are no configuration, and looking at all of them would take long. */
const MOST_FIELDS = 1000;

/** Fields of transformers' own that say nothing of the network, and tokens, of which "bos" is not a misspelt "eos". */
const BOOKKEEPING = /^_|_token_id$|^(torch_dtype|auto_map|transformers_version|transformers\.js_config)$/;

/** A field that is given, and the known one that it is close to. */
export interface MisspeltField {
  readonly given: string;
  readonly meant: string;
}

/**
 * The names among `given` that are close to one of `missing`: known names of fields of which none is given. `isRead` are
 * the names that something reads.
 */
export function misspeltFields(
  given: readonly string[],
  missing: readonly string[],
  isRead: (name: string) => boolean,
): MisspeltField[] {
  const candidates = missing.filter((name) => !BOOKKEEPING.test(name));
  return given
    .filter((name) => !BOOKKEEPING.test(name) && !isRead(name))
    .slice(0, MOST_FIELDS)
    .flatMap((name) => {
      const meant = nearestName(name, candidates);
      return meant === undefined ? [] : [{ given: name, meant }];
    });
}
