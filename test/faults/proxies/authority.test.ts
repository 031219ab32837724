import { readFile } from 'node:fs/promises';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { connect } from '../../../src/client';
import { ANSWERED, isHealthy, Matrix, outcomes, refusedAll } from '../../support/authority-matrix';
import { Authority, type Pair } from '../../support/certificates';
import { BUNDLE } from '../../support/parity-fixtures';
import { startServer, type ServerProcess } from '../../support/server-process';
import { listens, startKind, temporary, type ProxyKind, type RunningProxy } from './proxies';

const MODEL = 'parity-logah';

/** Terminates TLS, and passes on headers as long as the server takes them, so that the server judges them. */
const terminating = ({ cert, key }: Pair): ProxyKind => ({
  program: 'nginx',
  args: (config) => ['-c', config, '-e', 'stderr'],
  file: 'nginx.conf',
  config: (port, [upstream], directory) => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary(directory)}
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    large_client_header_buffers 4 32k;
    grpc_buffer_size 32k;
    location / { grpc_pass grpc://127.0.0.1:${String(upstream)}; }
  }
}
`,
});

describe('a server with callers behind nginx, which terminates TLS,', () => {
  let authority: Authority;
  let matrix: Matrix;
  let server: ServerProcess;
  let proxy: RunningProxy;
  let channel: ChannelCredentials;

  beforeAll(async () => {
    authority = new Authority();
    matrix = new Matrix();
    server = await startServer({ models: BUNDLE, flags: matrix.flags });
    const port = Number(server.address.split(':')[1]);
    proxy = await startKind(terminating(authority.sign()), [port], listens);
    channel = credentials.createSsl(await readFile(authority.cert));
    expect(await outcomes(proxy.address, channel, MODEL, matrix.revoked)).toEqual(ANSWERED);
    matrix.revoke();
    await server.logged('callers replaced');
  });

  afterAll(async () => {
    await proxy.stop();
    await server.stop();
    matrix.remove();
    authority.remove();
  });

  it.each(Object.keys(new Matrix().wrong))('answers no RPC with a byte to %s', async (kind) => {
    const authorization = matrix.wrong[kind];
    const reason = authorization === undefined ? 'CREDENTIALS_MISSING' : 'CREDENTIALS_INVALID';
    expect(await outcomes(proxy.address, channel, MODEL, authorization)).toEqual(refusedAll(reason));
  });

  it.each(Object.keys(new Matrix().right))('answers every RPC to %s', async (kind) => {
    expect(await outcomes(proxy.address, channel, MODEL, matrix.right[kind])).toEqual(ANSWERED);
  });

  it('answers checks of health to everybody', async () => {
    expect(await isHealthy(proxy.address, channel)).toBe(true);
  });

  it('is not reached in plain text, and the error names TLS', async () => {
    const client = connect(proxy.address, { token: 'any', patienceMs: 0 });
    await expect(client.listModels()).rejects.toThrow(/speaks TLS on this port/);
    client.close();
  });
});
