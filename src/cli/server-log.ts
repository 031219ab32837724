/** What a server process wrote, kept for the message of an error: pino's JSON lines, and plain lines. */
export class ServerLog {
  #lastError: string | undefined;
  #lastLine: string | undefined;

  /** Takes a line of standard output. Returns the port if it says that the server listens. */
  acceptLog(line: string): number | undefined {
    const entry = parseEntry(line);
    if (!entry) {
      this.acceptText(line);
      return undefined;
    }
    if (typeof entry.level === 'number' && entry.level >= 50) {
      const cause = entry.err?.message;
      const message = typeof entry.msg === 'string' ? entry.msg : 'error';
      this.#lastError = typeof cause === 'string' && cause !== message ? `${message}: ${cause}` : message;
    }
    return entry.msg === 'listening' && typeof entry.port === 'number' ? entry.port : undefined;
  }

  /** Takes a line of standard error. */
  acceptText(line: string): void {
    if (line.startsWith('error: ')) {
      this.#lastError = line.slice('error: '.length);
    } else if (line.trim() !== '') {
      this.#lastLine = line;
    }
  }

  /** The last error it reported, or else its last words. */
  get lastWords(): string | undefined {
    return this.#lastError ?? this.#lastLine;
  }
}

interface LogEntry {
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly port?: unknown;
  readonly err?: { readonly message?: unknown };
}

function parseEntry(line: string): LogEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}
