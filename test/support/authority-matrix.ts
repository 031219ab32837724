/** Credentials of every kind, for a server with a file of callers and an issuer of JSON Web Tokens. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status, type ChannelCredentials } from '@grpc/grpc-js';
import { callAny, guardedRpcs, healthRpc } from './guarded-calls';
import { Issuer, newToken } from './tokens';

const SUBJECT = 'system:serviceaccount:ml:trainer';

/** A server's callers, one of whom has been shut out since. */
export class Matrix {
  readonly directory = mkdtempSync(join(tmpdir(), 'logah-matrix-'));
  readonly #issuer = new Issuer();
  readonly #right = newToken('right', 'models=*');
  readonly #revoked = newToken('revoked', 'models=*');
  readonly #subject = `trainer, jwt:${SUBJECT}, models=*`;

  constructor() {
    writeFileSync(this.#path('keys.json'), this.#issuer.keySet);
    this.#write([this.#right.line, this.#revoked.line, this.#subject]);
  }

  get flags(): readonly string[] {
    const jwt = ['--jwt-issuer', this.#issuer.issuer, '--jwt-audience', 'logah'];
    return ['--callers', this.#path('callers'), ...jwt, '--jwt-keys', this.#path('keys.json')];
  }

  /** Takes a caller out of the file, which the server will tell of. */
  revoke(): void {
    this.#write([this.#right.line, this.#subject]);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  /** Values of the header `authorization` that are no good, by what is wrong with them. */
  get wrong(): Readonly<Record<string, string | undefined>> {
    const { token: right } = this.#right;
    const claims = this.#issuer.claims(SUBJECT);
    const now = Math.floor(Date.now() / 1000);
    const jwt = (changes: Record<string, unknown>): string =>
      `Bearer ${this.#issuer.token({ ...claims, ...changes })}`;
    const [unsigned, symmetric] = this.#issuer.forged(claims);
    return {
      none: undefined,
      'another token': `Bearer ${newToken('x', '').token}`,
      'a token that was withdrawn': this.revoked,
      'a token and a letter': `Bearer ${right}a`,
      'half a token': `Bearer ${right.slice(0, 20)}`,
      'a scheme without a token': 'Bearer',
      'another scheme': `Basic ${right}`,
      'two tokens in one': `Bearer ${right} ${right}`,
      'a very long token': `Bearer ${'a'.repeat(15_000)}`,
      'a JWT that has expired': jwt({ exp: now - 3600 }),
      'a JWT that is not yet valid': jwt({ nbf: now + 3600 }),
      'a JWT without an end': jwt({ exp: undefined }),
      "another issuer's JWT": jwt({ iss: 'https://elsewhere.example' }),
      'a JWT for another audience': jwt({ aud: ['vault'] }),
      'a JWT of an unknown subject': jwt({ sub: 'system:serviceaccount:ml:default' }),
      'a JWT signed with another key': `Bearer ${new Issuer(this.#issuer.issuer).token(claims)}`,
      'a JWT that nobody signed': `Bearer ${unsigned}`,
      'a JWT signed with the public key': `Bearer ${symmetric}`,
    };
  }

  /** The header of the caller that `revoke` takes out. */
  get revoked(): string {
    return `Bearer ${this.#revoked.token}`;
  }

  /** Values that are good, by their kind. */
  get right(): Readonly<Record<string, string>> {
    return {
      'a token': `Bearer ${this.#right.token}`,
      'a JWT as the kubelet projects it': `Bearer ${this.#issuer.token(this.#issuer.claims(SUBJECT))}`,
    };
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  #write(lines: readonly string[]): void {
    writeFileSync(this.#path('callers'), `# callers\n${lines.join('\n')}\n`);
  }
}

/** What a call came to, by RPC: its status, and whether any byte of a message came. */
export async function outcomes(
  address: string,
  channel: ChannelCredentials,
  model: string,
  authorization: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const rpcs = Object.entries(guardedRpcs(model));
  const endings = await Promise.all(
    rpcs.map(async ([name, rpc]) => {
      const { code, bytes, reason } = await callAny(address, channel, rpc, authorization);
      const lesser = code === status.UNAUTHENTICATED ? ` ${reason ?? ''}` : '';
      return [name, `${status[code]}${lesser}, ${bytes === 0 ? 'nothing' : 'messages'}`] as const;
    }),
  );
  return Object.fromEntries(endings);
}

/** What every RPC comes to without authority. */
export function refusedAll(reason: string): Readonly<Record<string, string>> {
  const names = Object.keys(guardedRpcs(''));
  return Object.fromEntries(names.map((name) => [name, `UNAUTHENTICATED ${reason}, nothing`]));
}

/** What they come to with it, without the scope admin: the fixture's model has neither an expansion nor a tokenizer. */
export const ANSWERED: Readonly<Record<string, string>> = {
  Predict: 'OK, messages',
  Plan: 'OK, messages',
  ListModels: 'OK, messages',
  InspectTensors: 'OK, messages',
  GetActivity: 'PERMISSION_DENIED, nothing',
  LoadModel: 'PERMISSION_DENIED, nothing',
  UnloadModel: 'PERMISSION_DENIED, nothing',
  ReloadModels: 'PERMISSION_DENIED, nothing',
  GetExpansion: 'NOT_FOUND, nothing',
  GetTokenizer: 'NOT_FOUND, nothing',
  'reflection v1': 'OK, messages',
  'reflection v1alpha': 'OK, messages',
};

export async function isHealthy(address: string, channel: ChannelCredentials): Promise<boolean> {
  const { code, bytes } = await callAny(address, channel, healthRpc());
  return code === status.OK && bytes > 0;
}
