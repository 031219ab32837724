/** The explorer's page and a service with TLS, over real ports. */

import { once } from 'node:events';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { Authority, tlsFlags, type Pair } from '../support/certificates';
import { BUNDLE } from '../support/parity-fixtures';
import { serveUntilEnd, startServer } from '../support/server-process';
import { newToken } from '../support/tokens';
import { startExplorer } from './browser/explorer-process';

let authority: Authority;
const caller = newToken('visitor', 'models=*');

beforeAll(async () => {
  authority = new Authority();
  await writeFile(join(authority.directory, 'callers'), `${caller.line}\n`);
});

afterAll(() => {
  authority.remove();
});

const callersFlags = (): string[] => ['--callers', join(authority.directory, 'callers')];

/** A call by Connect: its status, and the certificate that the page showed. */
async function listModels(url: string, token?: string): Promise<{ status?: number; serial: string }> {
  const call = request(new URL('logah.v1.LogahService/ListModels', url), {
    method: 'POST',
    agent: false,
    ca: await readFile(authority.cert),
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
  call.end('{}');
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  if (!(response.socket instanceof TLSSocket)) throw new Error('the answer came in plain text');
  const { serialNumber: serial } = response.socket.getPeerCertificate();
  response.resume();
  await once(response, 'end');
  return { ...(response.statusCode !== undefined && { status: response.statusCode }), serial };
}

it('is offered over TLS by a service with TLS, to its callers, and follows its certificate', async () => {
  const place: Pair = {
    cert: join(authority.directory, 'now.pem'),
    key: join(authority.directory, 'now.key'),
  };
  const put = async (pair: Pair): Promise<void> => {
    for (const kind of ['key', 'cert'] as const) {
      await copyFile(pair[kind], `${place[kind]}.new`);
      await rename(`${place[kind]}.new`, place[kind]);
    }
  };
  await put(authority.sign());
  const server = await startServer({
    models: BUNDLE,
    flags: [...tlsFlags(place), ...callersFlags(), '--explorer-address', '127.0.0.1:0'],
  });
  const url = String((await server.logged('explorer')).url);
  const first = await listModels(url, caller.token);
  expect(first.status).toBe(200);
  expect((await listModels(url)).status).toBe(401);
  expect((await listModels(url, `${caller.token}x`)).status).toBe(401);
  await put(authority.sign());
  await server.logged('certificates replaced');
  const second = await listModels(url, caller.token);
  expect(second.status).toBe(200);
  expect(second.serial).not.toBe(first.serial);
  await server.stop();
});

it('is refused beside certificates of clients, which would not get to the service', async () => {
  const flags = [...tlsFlags(authority.sign()), '--tls-client-ca', authority.cert];
  const { code, stderr } = await serveUntilEnd([...flags, '--explorer-address', '127.0.0.1:0']);
  expect(code).toBe(1);
  expect(stderr).toContain('--explorer-address');
  expect(stderr).toContain('--tls-client-ca');
});

it('shows a service with TLS that asks for a token', async () => {
  const server = await startServer({
    models: BUNDLE,
    flags: [...tlsFlags(authority.sign()), ...callersFlags()],
  });
  const file = join(authority.directory, 'token');
  await writeFile(file, `${caller.token}\n`);
  const security = ['--server', server.address, '--ca', authority.cert];
  const [withToken, without, untrusting] = await Promise.all([
    startExplorer([...security, '--token-file', file]),
    startExplorer(security),
    startExplorer(['--server', server.address, '--tls', '--token-file', file]),
  ]);
  const statusOf = async ({ url }: { url: string }, authorization?: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const path = `${url}logah.v1.LogahService/ListModels`;
    return (await fetch(path, { method: 'POST', headers, body: '{}' })).status;
  };
  expect(await statusOf(withToken)).toBe(200);
  expect(await statusOf(withToken, 'Bearer wrong')).toBe(401);
  expect(await statusOf(without)).toBe(401);
  expect(await statusOf(without, `Bearer ${caller.token}`)).toBe(200);
  // The authority is none that Node.js knows: nothing is said to who may be anybody.
  const answer = await fetch(`${untrusting.url}logah.v1.LogahService/ListModels`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(await answer.json()).toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      /certificate of the service is not trusted .*: start logah explore with --ca/,
    ) as string,
  });
  await Promise.all([withToken.stop(), without.stop(), untrusting.stop(), server.stop()]);
});

it('sends no token to another machine in plain text', async () => {
  const explorer = await startExplorer(['--server', '192.0.2.1:50051']);
  const answer = await fetch(`${explorer.url}logah.v1.LogahService/ListModels`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${caller.token}` },
    body: '{}',
  });
  expect(await answer.json()).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('not sent to 192.0.2.1:50051 in plain text') as string,
  });
  await explorer.stop();
});
