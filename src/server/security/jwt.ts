/** JSON Web Tokens, checked against their issuer's keys. */

import { readFile } from 'node:fs/promises';
import type * as Jose from 'jose' with { 'resolution-mode': 'import' };
import { LogahError } from '../../errors';

/** Of signatures with a private key; a shared secret would let whoever can check tokens make them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** What clocks may differ by. */
const CLOCK_SECONDS = 30;

/** How long an issuer may take to answer, and how often it is asked for keys that are not among those known. */
const FETCH_MS = 5000;
const COOLDOWN_MS = 5000;

/** jose's codes for an answer that did not come, and for one that is no set of keys. */
const FETCH_FAULTS: ReadonlySet<string> = new Set([
  'ERR_JWKS_TIMEOUT',
  'ERR_JWKS_INVALID',
  'ERR_JOSE_GENERIC',
]);

/** Which tokens are taken. */
export interface JwtRules {
  readonly issuer: string;
  readonly audience: string;
  /** A file of a JSON Web Key Set, or a URL of one. */
  readonly keys: string;
}

/** Checks tokens of one issuer. */
export class JwtVerifier {
  readonly #rules: JwtRules;
  readonly #jose: typeof Jose;
  #keys: Jose.JWTVerifyGetKey;

  private constructor(rules: JwtRules, jose: typeof Jose, keys: Jose.JWTVerifyGetKey) {
    this.#rules = rules;
    this.#jose = jose;
    this.#keys = keys;
  }

  /** Reads the keys where they are a file's. Throws LogahError (failed_precondition) where it holds none. */
  static async open(rules: JwtRules): Promise<JwtVerifier> {
    // Only servers that take JWTs load it.
    const jose = await import('jose');
    if (!isUrl(rules.keys)) return new JwtVerifier(rules, jose, await localKeys(jose, rules.keys));
    const remote = jose.createRemoteJWKSet(new URL(rules.keys), {
      timeoutDuration: FETCH_MS,
      cooldownDuration: COOLDOWN_MS,
    });
    return new JwtVerifier(rules, jose, remote);
  }

  /** The file that the keys come from; undefined: a URL. */
  get file(): string | undefined {
    return isUrl(this.#rules.keys) ? undefined : this.#rules.keys;
  }

  /** Reads the file again. Throws as `open`. */
  async reload(): Promise<void> {
    if (this.file !== undefined) this.#keys = await localKeys(this.#jose, this.file);
  }

  /** The subject of a token that is in order; undefined where it is not. Rejects with LogahError (unavailable) where keys cannot be fetched. */
  async subject(token: string): Promise<string | undefined> {
    const { issuer, audience } = this.#rules;
    const { jwtVerify, errors } = this.#jose;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      return payload.sub;
    } catch (error) {
      const isOfFetching = error instanceof errors.JOSEError && FETCH_FAULTS.has(error.code);
      if (isOfFetching || !(error instanceof errors.JOSEError)) {
        // A constant: nothing tells when the issuer answers again, and this is how long one try may take.
        throw new LogahError('unavailable', "the keys of the token's issuer cannot be fetched", {
          cause: error,
          retryAfterMs: FETCH_MS,
        });
      }
      return undefined;
    }
  }
}

/** Whether keys come from a URL rather than a file. */
export function isUrl(keys: string): boolean {
  return /^https?:\/\//i.test(keys);
}

async function localKeys(jose: typeof Jose, path: string): Promise<Jose.JWTVerifyGetKey> {
  let problem = 'holds no JSON Web Key Set';
  try {
    const set = JSON.parse(await readFile(path, 'utf8')) as Jose.JSONWebKeySet;
    if (set.keys.length > 0) return jose.createLocalJWKSet(set);
    problem = 'holds a JSON Web Key Set without keys';
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      problem = `cannot be read: ${error.message}`;
  }
  throw new LogahError('failed_precondition', `--jwt-keys ${path} ${problem}`);
}
