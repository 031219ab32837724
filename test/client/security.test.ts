import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { connect, tokenFromFile, type ConnectOptions } from '../../src/client';
import { Authority, contents, tlsFlags } from '../support/certificates';
import { BUNDLE } from '../support/parity-fixtures';
import { startServer, type ServerProcess } from '../support/server-process';
import { newToken, type Token } from '../support/tokens';

/** They only look like PEM. */
const pem = (label: string): string => `-----BEGIN ${label}-----\nbm9uZQ==\n-----END ${label}-----\n`;
const CERTIFICATE = pem('CERTIFICATE');
const KEY = pem('EC PRIVATE KEY');

let authority: Authority;
let ca: Buffer;
let first: Token;
let second: Token;
/** With TLS, certificates of clients and callers. */
let secure: ServerProcess;
/** In plain text, with callers. */
let plain: ServerProcess;

beforeAll(async () => {
  authority = new Authority();
  ca = readFileSync(authority.cert);
  first = newToken('first', 'models=*');
  second = newToken('second', 'models=*');
  const callers = path('callers');
  writeFileSync(callers, `${first.line}\n${second.line}\n`);
  const flags = ['--callers', callers];
  const tls = [...tlsFlags(authority.sign()), '--tls-client-ca', authority.cert];
  [secure, plain] = await Promise.all([
    startServer({ models: BUNDLE, flags: [...flags, ...tls] }),
    startServer({ models: BUNDLE, flags }),
  ]);
});

afterAll(async () => {
  await Promise.all([secure.stop(), plain.stop()]);
  authority.remove();
});

function path(name: string): string {
  return join(authority.directory, name);
}

/** The names of the models that a client sees; rejects with the error of its call. */
async function models(address: string, options: ConnectOptions): Promise<readonly string[]> {
  const client = connect(address, { patienceMs: 0, ...options });
  try {
    return (await client.listModels()).models.map(({ name }) => name);
  } finally {
    client.close();
  }
}

describe('a client with TLS', () => {
  it('is answered with the authority, its certificate and a token', async () => {
    const own = await contents(authority.sign({ names: 'DNS:client' }));
    expect(await models(secure.address, { tls: { ca, ...own }, token: first.token })).toContain(
      'parity-logah',
    );
  });

  it('is not let in without a certificate, and is no caller by one that nobody named', async () => {
    await expect(models(secure.address, { tls: { ca }, token: first.token })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const own = await contents(authority.sign({ names: 'DNS:client' }));
    await expect(models(secure.address, { tls: { ca, ...own } })).rejects.toMatchObject({
      reason: 'CREDENTIALS_INVALID',
    });
  });

  it('trusts no server whose authority it was not given', async () => {
    await expect(models(secure.address, { tls: true, token: first.token })).rejects.toThrow(
      /unable to (?:verify|get)|self-signed|issuer/,
    );
  });

  it('names TLS where the server speaks plain text', async () => {
    await expect(models(plain.address, { tls: { ca }, token: first.token })).rejects.toThrow(
      `server ${plain.address} does not speak TLS, or not on this port; this client does`,
    );
  });

  it.each([
    ['a certificate without its key', { cert: 'a' }, /go together/],
    ['a key without its certificate', { key: 'a' }, /go together/],
    ['files that hold no PEM', { cert: 'a', key: 'b' }, /tls\.cert .*has no certificate in PEM/],
    ['a key in the place of authorities', { ca: KEY }, /tls\.ca .*has no certificate in PEM/],
    [
      'a certificate in the place of its key',
      { cert: CERTIFICATE, key: CERTIFICATE },
      /tls\.key .*no private key/,
    ],
    ['PEM of nonsense', { cert: CERTIFICATE, key: KEY }, /TLS cannot be set up with these files/],
  ])('is refused with %s', (_, tls, says) => {
    expect(() => connect('127.0.0.1:1', { tls })).toThrow(says);
  });

  it('is refused with credentials beside it', () => {
    expect(() => connect('127.0.0.1:1', { tls: true, credentials: credentials.createSsl() })).toThrow(
      /either tls or credentials/,
    );
  });
});

describe('a client in plain text', () => {
  it('names TLS where the server speaks it', async () => {
    await expect(models(secure.address, {})).rejects.toThrow(/speaks TLS .*--tls/);
  });

  it('is not answered without a token where there are callers', async () => {
    await expect(models(plain.address, {})).rejects.toMatchObject({ reason: 'CREDENTIALS_MISSING' });
  });

  it.each(['logah.example:50051', '192.0.2.1:50051', 'dns:///logah:50051', '[2001:db8::1]:50051'])(
    'sends no token to %s',
    (target) => {
      const token = 'secret-token';
      const refusal = `the token is not sent to ${target} in plain text`;
      expect(() => connect(target, { token })).toThrow(refusal);
      expect(() => connect(['127.0.0.1:1', target], { token })).toThrow(refusal);
      connect(target, { token, tls: true }).close();
    },
  );

  it.each(['localhost', '127.0.0.1', 'dns:///localhost'])('sends it to %s', async (host) => {
    const target = `${host}:${plain.address.split(':')[1] ?? ''}`;
    expect(await models(target, { token: first.token })).toContain('parity-logah');
  });
});

describe('a token', () => {
  it('from a file is read again at every call', async () => {
    const file = path('token');
    writeFileSync(file, `${first.token}\n`);
    const client = connect(plain.address, { token: tokenFromFile(file), patienceMs: 0 });
    await client.listModels();
    await plain.logged('call', ({ caller }) => caller === 'first');
    expect(plain.logs.filter(({ caller }) => caller === 'second')).toEqual([]);
    writeFileSync(file, second.token);
    await client.listModels();
    await plain.logged('call', ({ caller }) => caller === 'second');
    rmSync(file);
    await expect(client.listModels()).rejects.toThrow(/^the token's file \S+ cannot be read \(.*ENOENT/);
    client.close();
  });

  it.each(['', 'two words', 'new\nline', 'é'])('that can be none, %j, is refused unshown', async (token) => {
    await expect(models(plain.address, { token })).rejects.toThrow(
      /^the token is empty or has characters that no token has$/,
    );
  });
});
