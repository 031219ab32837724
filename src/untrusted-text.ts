/** Text that others chose, made fit for errors, logs and terminals: short, on one line, and without hidden marks. */

/** Characters of a value that is quoted, at most. */
const QUOTED = 80;

/** What a text of ours may come to in a log, with all that it quotes. */
export const LOGGED = 4096;

/**
 * Controls, marks of direction and other characters without a shape, which rearrange or hide what surrounds them, line
 * separators, and halves of surrogate pairs.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text with its hidden characters as escapes. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** A text of at most `most` characters, whose end tells where it was cut. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

/** A text for the log: every character visible, of bounded size. */
export function loggable(text: string): string {
  return shortened(visible(text.slice(0, LOGGED)), LOGGED);
}

/** A value from a request, short enough for an error message. */
export function quoted(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  if (Array.isArray(value)) {
    return isShort(value) ? visible(JSON.stringify(value)) : `a list of ${value.length}`;
  }
  if (typeof value === 'object' && value !== null) return 'an object';
  // Cut first: escaping all of a long text takes its time.
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, QUOTED + 1) : value);
  return shortened(visible(text), QUOTED);
}

function isShort(list: readonly unknown[]): boolean {
  return (
    list.length <= 8 && list.every((item) => (typeof item === 'string' ? item.length <= 40 : !isObject(item)))
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
