/**
 * The file of callers: a line each of name, credential and scopes.
 *
 *     team-a, sha256:9f86d0818..., models=logah-tiny-* parameters=1e9
 *     trainer, jwt:system:serviceaccount:ml:trainer, models=*
 *     edge, san:URI:spiffe://example.org/edge, models=* requests=60
 *
 * A name may have several lines, so that a token can be replaced while the old one is still in use; they have the same
 * scopes.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LogahError } from '../../errors';
import { quoted } from '../../untrusted-text';
import { known, type Caller } from './caller';
import { formatScopes, parseScopes } from './scopes';

const NAME = /^[a-z0-9](?:[\w.-]{0,62}[a-z0-9])?$/i;

/** Types of subject alternative names, as OpenSSL calls them. */
const SAN = /^(?:DNS|URI|email|IP Address):.+$/;

/** A token's digest, and whose it is. */
interface KnownToken {
  readonly sha256: Buffer;
  readonly caller: Caller;
}

/** Known to this process alone. */
const KEY = randomBytes(32);

/** What stands for a digest where it is looked for: nobody can choose a token for it, so how long that takes tells nothing. */
function blinded(sha256: Buffer): string {
  return createHmac('sha256', KEY).update(sha256).digest('base64');
}

/** What a token that nobody has is compared with. */
const NOBODY = randomBytes(32);

/** The callers of a file. */
export class Callers {
  readonly #tokens: ReadonlyMap<string, KnownToken>;
  readonly #subjects: ReadonlyMap<string, Caller>;
  readonly #names: ReadonlyMap<string, Caller>;

  private constructor(
    tokens: readonly KnownToken[],
    subjects: ReadonlyMap<string, Caller>,
    names: ReadonlyMap<string, Caller>,
  ) {
    this.#tokens = new Map(tokens.map((token) => [blinded(token.sha256), token]));
    this.#subjects = subjects;
    this.#names = names;
  }

  /** Reads a file's text. Throws LogahError (failed_precondition) that names the line; no credential is in its text. */
  static parse(text: string): Callers {
    const tokens: KnownToken[] = [];
    const subjects = new Map<string, Caller>();
    const names = new Map<string, Caller>();
    const callers = new Map<string, { caller: Caller; scopes: string }>();
    const seen = new Set<string>();
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const content = line.replace(/^\uFEFF/, '').trim();
      if (content === '' || content.startsWith('#')) continue;
      const wrong = (how: string): LogahError =>
        new LogahError('failed_precondition', `line ${index + 1} ${how}`);
      const [, name = '', credential = '', scopesText = ''] =
        /^([^,]*),([^,]*)(?:,(.*))?$/.exec(content)?.map((part: string | undefined) => part?.trim()) ?? [];
      if (!NAME.test(name)) {
        throw wrong(
          `has the name ${quoted(name)}; 1 to 64 letters, digits, dots, dashes and underscores are allowed`,
        );
      }
      let caller: Caller;
      try {
        caller = known(name, parseScopes(scopesText));
      } catch (error) {
        throw wrong(`(${name}): ${error instanceof Error ? error.message : String(error)}`);
      }
      const scopes = formatScopes(caller.scopes);
      const former = callers.get(name);
      if (former !== undefined && former.scopes !== scopes) {
        throw wrong(`gives ${name} other scopes than a line before; all lines of a name have the same`);
      }
      callers.set(name, former ?? { caller, scopes });
      const [, kind = '', value = ''] = /^(?:(sha256|jwt|san):)?(.*)$/.exec(credential) ?? [];
      const isDigest = (kind === '' || kind === 'sha256') && /^[0-9a-f]{64}$/i.test(value);
      // However a digest is spelled: a line that is taken out has to take its token along.
      const what = isDigest ? value.toLowerCase() : credential;
      if (seen.has(what)) throw wrong(`(${name}) has the credential of another line`);
      seen.add(what);
      if (isDigest) {
        tokens.push({ sha256: Buffer.from(value, 'hex'), caller });
      } else if (kind === 'jwt' && value !== '') subjects.set(value, caller);
      else if (kind === 'san' && SAN.test(value)) names.set(value, caller);
      else {
        throw wrong(
          `(${name}) has a credential that is none of sha256:HEX, jwt:SUBJECT, and san:TYPE:NAME with DNS, URI, email or IP Address`,
        );
      }
    }
    return new Callers(tokens, subjects, names);
  }

  get hasSubjects(): boolean {
    return this.#subjects.size > 0;
  }

  get hasNames(): boolean {
    return this.#names.size > 0;
  }

  /** Whose token it is. Takes the same time whichever it is, whether it is one at all, and however many there are. */
  byToken(token: string): Caller | undefined {
    const given = createHash('sha256').update(token).digest();
    const known = this.#tokens.get(blinded(given));
    return timingSafeEqual(given, known?.sha256 ?? NOBODY) ? known?.caller : undefined;
  }

  /** By the subject of a JWT that has been checked. */
  bySubject(subject: string): Caller | undefined {
    return this.#subjects.get(subject);
  }

  /** By the names of a certificate that has been checked, the first that is known. */
  byNames(names: readonly string[]): Caller | undefined {
    return names.map((name) => this.#names.get(name)).find((caller) => caller !== undefined);
  }
}
