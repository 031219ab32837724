/** Tokens for tests: those of a file of callers, and JSON Web Tokens of an issuer of our own. */

import { createHash, createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A token, and its line for a file of callers. */
export interface Token {
  readonly token: string;
  readonly line: string;
}

export function newToken(name: string, scopes: string): Token {
  const token = `lgh_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  return { token, line: `${name}, sha256:${sha256}, ${scopes}` };
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs with ES256, as Kubernetes may. */
export class Issuer {
  readonly issuer: string;
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly #id = randomBytes(8).toString('hex');

  constructor(issuer = 'https://kubernetes.default.svc.cluster.local') {
    this.issuer = issuer;
    this.#keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  }

  /** A JSON Web Key Set. */
  get keySet(): string {
    const jwk = this.#keys.publicKey.export({ format: 'jwk' });
    return JSON.stringify({ keys: [{ ...jwk, kid: this.#id, use: 'sig', alg: 'ES256' }] });
  }

  /** Claims as those of a projected service-account token. */
  claims(subject: string): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.issuer, aud: ['logah'], sub: subject, iat: now, nbf: now, exp: now + 3600 };
  }

  token(claims: Record<string, unknown>): string {
    const content = `${base64({ alg: 'ES256', kid: this.#id })}.${base64(claims)}`;
    const { privateKey: key } = this.#keys;
    const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  }

  /** Tokens that are signed by nobody, and with what everybody knows as if it were a secret. */
  forged(claims: Record<string, unknown>): readonly string[] {
    const unsigned = `${base64({ alg: 'none', kid: this.#id })}.${base64(claims)}.`;
    const content = `${base64({ alg: 'HS256', kid: this.#id })}.${base64(claims)}`;
    const known = this.#keys.publicKey.export({ format: 'pem', type: 'spki' });
    return [unsigned, `${content}.${createHmac('sha256', known).update(content).digest('base64url')}`];
  }
}
