/** JSON as Python's `json` reads it, since it is Python that writes config.json files. */

/** Deeper nesting is refused, by Python too, at a depth of its own. */
const MAX_DEPTH = 500;

/** A number written with a point or an exponent, or NaN or Infinity: to transformers, 64.0 is no size. */
export class Float {
  constructor(readonly value: number) {}

  /** As Python writes it. */
  toString(): string {
    return Number.isInteger(this.value) && Math.abs(this.value) < 1e16
      ? this.value.toFixed(1)
      : String(this.value);
  }
}

/** Whole numbers come as numbers, others as `Float`. Throws SyntaxError. */
export function parsePythonJson(text: string): unknown {
  return new Parser(text).parse();
}

/** Whether a value that was read is an object, not a list or a number. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float);
}

/** The value with plain numbers for `Float`. */
export function plain(value: unknown): unknown {
  if (value instanceof Float) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const UNESCAPED = /[^"\\]*/y;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', new Float(NaN)],
  ['Infinity', new Float(Infinity)],
  ['-Infinity', new Float(-Infinity)],
]);

class Parser {
  private position = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  parse(): unknown {
    const value = this.value();
    this.skipSpace();
    if (this.position < this.text.length) throw this.unexpected();
    return value;
  }

  private value(): unknown {
    this.skipSpace();
    const first = this.text[this.position];
    if (first === '{') return this.nested(() => this.object());
    if (first === '[') return this.nested(() => this.array());
    if (first === '"') return this.string();
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.position)) continue;
      this.position += word.length;
      return value;
    }
    return this.number();
  }

  private nested<Result>(read: () => Result): Result {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new SyntaxError(`nests more than ${MAX_DEPTH} levels`);
    this.position += 1;
    const result = read();
    this.depth -= 1;
    return result;
  }

  private object(): unknown {
    const entries: [string, unknown][] = [];
    if (this.takes('}')) return {};
    do {
      this.skipSpace();
      if (this.text[this.position] !== '"') throw this.unexpected();
      const key = this.string();
      if (!this.takes(':')) throw this.unexpected();
      entries.push([key, this.value()]);
    } while (this.takes(','));
    if (!this.takes('}')) throw this.unexpected();
    return Object.fromEntries(entries);
  }

  private array(): unknown {
    const items: unknown[] = [];
    if (this.takes(']')) return items;
    do items.push(this.value());
    while (this.takes(','));
    if (!this.takes(']')) throw this.unexpected();
    return items;
  }

  private string(): string {
    const start = this.position;
    this.position += 1;
    for (;;) {
      this.matched(UNESCAPED);
      const character = this.text[this.position];
      if (character === '"') break;
      if (character !== '\\') throw this.unexpected();
      this.position += 2;
    }
    this.position += 1;
    return JSON.parse(this.text.slice(start, this.position)) as string;
  }

  private number(): unknown {
    const match = this.matched(NUMBER);
    if (match === null) throw this.unexpected();
    const [digits, fraction, exponent] = match;
    return fraction === undefined && exponent === undefined ? Number(digits) : new Float(Number(digits));
  }

  private takes(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }

  private skipSpace(): void {
    this.matched(SPACE);
  }

  private matched(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match !== null) this.position = pattern.lastIndex;
    return match;
  }

  private unexpected(): SyntaxError {
    if (this.position >= this.text.length) return new SyntaxError('Unexpected end of JSON input');
    const lines = this.text.slice(0, this.position).split('\n');
    const column = (lines.at(-1)?.length ?? 0) + 1;
    const character = JSON.stringify(String.fromCodePoint(this.text.codePointAt(this.position) ?? 0));
    return new SyntaxError(`Unexpected ${character} in line ${lines.length}, column ${column}`);
  }
}
