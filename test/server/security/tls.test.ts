import { once } from 'node:events';
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { connect } from '../../../src/client';
import { Authority, contents, tlsFlags, type Pair } from '../../support/certificates';
import { BUNDLE } from '../../support/parity-fixtures';
import { LARGE } from '../../support/requests';
import { serveUntilEnd, startServer, type ServerProcess } from '../../support/server-process';

let authority: Authority;
let other: Authority;
let server: ServerProcess | undefined;

beforeAll(() => {
  authority = new Authority();
  other = new Authority('another authority');
});

afterAll(() => {
  authority.remove();
  other.remove();
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function start(flags: readonly string[]): Promise<ServerProcess> {
  return startServer({ models: BUNDLE, flags });
}

/** How a call of ListModels over these credentials ends: the number of models of that name, or the status and its text. */
async function listed({ address }: ServerProcess, channel: ChannelCredentials): Promise<number | string> {
  const client = connect(address, { credentials: channel, patienceMs: 0 });
  try {
    const { models } = await client.listModels();
    return models.filter(({ name }) => name === 'parity-logah').length;
  } catch (error) {
    return String(error);
  } finally {
    client.close();
  }
}

async function trusting({ cert }: Authority, own?: Pair): Promise<ChannelCredentials> {
  const root = await readFile(cert);
  if (own === undefined) return credentials.createSsl(root);
  const files = await contents(own);
  return credentials.createSsl(root, files.key, files.cert);
}

/** A TLS connection to the server; rejects with the handshake's error. */
async function handshake({ address }: ServerProcess, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const [host, port] = address.split(':');
  const socket = connectTls({
    host: host ?? '',
    port: Number(port),
    ca: await readFile(authority.cert),
    ALPNProtocols: ['h2'],
    ...options,
  });
  await once(socket, 'secureConnect');
  return socket;
}

/** The serial number of the certificate that a new connection gets. */
async function serialOf(running: ServerProcess): Promise<string> {
  const socket = await handshake(running);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe('a server with a certificate', () => {
  it('answers over TLS, with HTTP/2 agreed upon', async () => {
    server = await start(tlsFlags(authority.sign()));
    expect(await listed(server, await trusting(authority))).toBe(1);
    const socket = await handshake(server);
    expect(socket.alpnProtocol).toBe('h2');
    socket.destroy();
  });

  it('is not trusted by clients that trust another authority', async () => {
    server = await start(tlsFlags(authority.sign()));
    expect(await listed(server, await trusting(other))).toMatch(/unable to verify|self-signed|issuer/);
  });

  it('agrees on no version below TLS 1.2', async () => {
    server = await start(tlsFlags(authority.sign()));
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(handshake(server, old)).rejects.toThrow(/protocol version|unsupported protocol/i);
    const oldest = await handshake(server, { maxVersion: 'TLSv1.2' });
    expect(oldest.getProtocol()).toBe('TLSv1.2');
    oldest.destroy();
  });

  it('takes the cipher that costs least, whatever order a client has', async () => {
    server = await start(tlsFlags(authority.sign()));
    const ciphers = 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256';
    const [usual, other, one] = [
      await handshake(server),
      await handshake(server, { ciphers }),
      await handshake(server, { ciphers: 'TLS_AES_256_GCM_SHA384' }),
    ];
    expect([usual, other, one].map((socket) => socket.getCipher().name)).toEqual([
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
    ]);
    for (const socket of [usual, other, one]) socket.destroy();
  });

  it('tells clients that speak plain text to use TLS', async () => {
    server = await start(tlsFlags(authority.sign()));
    expect(await listed(server, credentials.createInsecure())).toMatch(/this port speaks TLS alone/);
  });

  it('answers clients of both kinds that come at the same time', async () => {
    server = await start(tlsFlags(authority.sign()));
    const running = server;
    const secure = await trusting(authority);
    const plain = credentials.createInsecure();
    const kinds = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? secure : plain));
    const answers = await Promise.all(kinds.map((channel) => listed(running, channel)));
    answers.forEach((answer, index) => {
      if (index % 2 === 0) expect(answer).toBe(1);
      else expect(answer).toMatch(/TLS/);
    });
  });

  it('lets in only clients that its authority signed where it asks for certificates', async () => {
    const clientAuthority = other;
    server = await start([...tlsFlags(authority.sign()), '--tls-client-ca', clientAuthority.cert]);
    const signed = clientAuthority.sign({ names: 'DNS:client' });
    expect(await listed(server, await trusting(authority, signed))).toBe(1);
    const foreign = authority.sign({ names: 'DNS:client' });
    const expired = clientAuthority.sign({ names: 'DNS:client', days: -1 });
    for (const wrong of [undefined, foreign, expired]) {
      expect(await listed(server, await trusting(authority, wrong))).toMatch(/^RemoteError/);
    }
  });
});

describe('new files', () => {
  /** A directory as the kubelet makes one: links through `..data`, which is turned to another directory at once. */
  class Mount {
    readonly #directory: string;
    #turns = 0;

    constructor(name: string) {
      this.#directory = join(authority.directory, name);
    }

    path(name: string): string {
      return join(this.#directory, name);
    }

    async put({ cert, key }: Pair): Promise<void> {
      const turn = `..${this.#turns++}`;
      await mkdir(this.path(turn), { recursive: true });
      await copyFile(cert, this.path(`${turn}/tls.crt`));
      await copyFile(key, this.path(`${turn}/tls.key`));
      await symlink(turn, this.path('..new'));
      await rename(this.path('..new'), this.path('..data'));
      if (this.#turns > 1) {
        await rm(this.path(`..${this.#turns - 2}`), { recursive: true });
        return;
      }
      await symlink('..data/tls.crt', this.path('tls.crt'));
      await symlink('..data/tls.key', this.path('tls.key'));
    }
  }

  it('are those of new connections, while streams in flight go on', async () => {
    const mount = new Mount('mount');
    await mount.put(authority.sign());
    server = await start(['--tls-cert', mount.path('tls.crt'), '--tls-key', mount.path('tls.key')]);
    const running = server;
    const first = await serialOf(running);
    const client = connect(running.address, { credentials: await trusting(authority), patienceMs: 0 });
    const events = client.predict(LARGE)[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ kind: 'plan' });

    await mount.put(authority.sign());
    await running.logged('certificates replaced');
    const second = await serialOf(running);
    expect(second).not.toBe(first);
    let last: unknown;
    for (let next = await events.next(); next.done !== true; next = await events.next()) last = next.value;
    expect(last).toMatchObject({ kind: 'summary' });
    client.close();
  });

  it("replace the server's where the files themselves are written anew", async () => {
    const [first, second] = [authority.sign(), authority.sign()];
    server = await start(tlsFlags(first));
    const before = await serialOf(server);
    await copyFile(second.key, first.key);
    await copyFile(second.cert, first.cert);
    await server.logged('certificates replaced');
    expect(await serialOf(server)).not.toBe(before);
  });

  it('that are no good are told of and ignored', async () => {
    const mine = authority.sign();
    server = await start(tlsFlags(mine));
    const before = await serialOf(server);
    await writeFile(mine.cert, 'nothing');
    const { reason } = await server.logged('certificates not replaced');
    expect(reason).toBe(`--tls-cert ${mine.cert} holds no certificate in PEM`);
    expect(await serialOf(server)).toBe(before);
    const good = authority.sign();
    await copyFile(good.key, mine.key);
    await copyFile(good.cert, mine.cert);
    await server.logged('certificates replaced');
  });
});

describe('the server does not start', () => {
  async function refusal(flags: readonly string[]): Promise<string> {
    const { code, stderr } = await serveUntilEnd(['--models', BUNDLE, ...flags]);
    expect(code).toBe(1);
    return stderr.trim();
  }

  it('with a file of TLS that cannot be read', async () => {
    const { key } = authority.sign();
    expect(await refusal(['--tls-cert', '/nowhere/tls.crt', '--tls-key', key])).toBe(
      'error: --tls-cert /nowhere/tls.crt cannot be read: no such file or directory',
    );
  });

  it('with a certificate that has expired', async () => {
    const pair = authority.sign({ days: -1 });
    expect(await refusal(tlsFlags(pair))).toMatch(/^error: --tls-cert .*\.pem expired at 20/);
  });

  it("with another certificate's key", async () => {
    const [{ cert }, { key }] = [authority.sign(), authority.sign()];
    expect(await refusal(['--tls-cert', cert, '--tls-key', key])).toBe(
      `error: --tls-key ${key} is not the key of the certificate in ${cert} (--tls-cert)`,
    );
  });

  it('with a key that is none, and does not show what the file holds', async () => {
    const { cert } = authority.sign();
    const key = join(authority.directory, 'no.key');
    await writeFile(key, 'hunter2');
    expect(await refusal(['--tls-cert', cert, '--tls-key', key])).toBe(
      `error: --tls-key ${key} holds no private key in PEM`,
    );
  });

  it('with a client authority that holds no certificate', async () => {
    const pair = authority.sign();
    expect(await refusal([...tlsFlags(pair), '--tls-client-ca', pair.key])).toBe(
      `error: --tls-client-ca ${pair.key} holds no certificate in PEM`,
    );
  });

  it('in plain text on an address that other machines reach, unless it is told to', async () => {
    const message = await refusal(['--address', '0.0.0.0:0']);
    expect(message).toContain('--tls-cert and --tls-key');
    expect(message).toContain('--insecure');
    server = await start(['--address', '0.0.0.0:0', '--insecure']);
    expect(await listed(server, credentials.createInsecure())).toBe(1);
  });
});
