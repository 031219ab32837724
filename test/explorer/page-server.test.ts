/** The explorer's HTTP address: the page, its headers, and the contract for browsers and curl. */

import { request } from 'node:http';
import { join } from 'node:path';
import { Server, ServerCredentials, status, type Metadata } from '@grpc/grpc-js';
import { LogahService } from '../../src/contract/service-clients';
import { startExplorer, type Explorer } from '../../src/explorer';
import { readServedFiles } from '../../src/explorer/page-files';
import { startServer, type ServerProcess } from '../support/server-process';

const ROOT = join(__dirname, '../..');

const explorerFor = (address: string, token?: string): Promise<Explorer> =>
  startExplorer({
    address: '127.0.0.1:0',
    target: { address, ...(token !== undefined && { token: () => token }) },
    pageDirectory: join(ROOT, 'dist/explorer/page'),
    examplesDirectory: join(ROOT, 'examples'),
    opened: { name: 'my/config.json', message: Buffer.from([18, 0]) },
    version: '0.0.0',
  });

function call(
  url: string,
  method: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}logah.v1.LogahService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** The status of a request with headers that `fetch` does not let through. */
function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the page', () => {
  let server: ServerProcess;
  let explorer: Explorer;

  beforeAll(async () => {
    server = await startServer({ models: join(ROOT, 'models') });
    explorer = await explorerFor(server.address);
  });

  afterAll(async () => {
    await explorer.close();
    await server.stop();
  });

  it('comes with a policy that lets nothing in from elsewhere', async () => {
    const page = await fetch(explorer.url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(await page.text()).not.toMatch(/<script>|<style>| style=|https?:\/\//);
  });

  it('is at most 250 kB, compressed, in all', async () => {
    const files = await readServedFiles(join(ROOT, 'dist/explorer/page'));
    const bytes = [...files.values()].reduce((sum, { bytes, gzipped }) => sum + (gzipped ?? bytes).length, 0);
    expect(files.has('/index.html')).toBe(true);
    expect(bytes).toBeLessThanOrEqual(250_000);
  });

  it('is sent once, and compressed', async () => {
    const script = /src="([^"]+\.js)"/.exec(await (await fetch(explorer.url)).text())?.[1] ?? '';
    const first = await fetch(new URL(script, explorer.url));
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(first.headers.get('cache-control')).toContain('immutable');
    const etag = (await fetch(explorer.url)).headers.get('etag') ?? '';
    expect((await fetch(explorer.url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('says what it was started for, and which examples there are', async () => {
    const start = (await (await fetch(`${explorer.url}explorer.json`)).json()) as {
      opened: { name: string; url: string };
      examples: { name: string; url: string }[];
    };
    expect(start.opened).toEqual({ name: 'my/config.json', url: '/opened.binpb' });
    const gpt2 = start.examples.find(({ name }) => name === 'gpt2');
    const config = await (await fetch(new URL(gpt2?.url ?? '', explorer.url))).json();
    expect(config).toHaveProperty('model_type', 'gpt2');
  });

  it('answers a page elsewhere with nothing, and none by another name for this machine', async () => {
    expect((await call(explorer.url, 'ListModels', {}, { origin: 'https://elsewhere.example' })).status).toBe(
      403,
    );
    expect((await call(explorer.url, 'ListModels', {}, { origin: 'null' })).status).toBe(403);
    expect((await call(explorer.url, 'ListModels', {}, { origin: explorer.url.slice(0, -1) })).status).toBe(
      200,
    );
    expect(await statusOf(explorer.url, { host: 'elsewhere.example' })).toBe(403);
    expect(await statusOf(explorer.url, { host: 'localhost:1' })).toBe(200);
  });

  it('serves no file from beside it', async () => {
    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/index.js',
      '/nothing',
      '/%zz',
    ]) {
      expect(await statusOf(`${explorer.url.slice(0, -1)}${path}`, {})).toBe(404);
    }
  });

  it('speaks the contract in JSON, with the fields that are wrong', async () => {
    const models = (await (await call(explorer.url, 'ListModels', {})).json()) as {
      models: { name: string }[];
    };
    expect(models.models.map(({ name }) => name)).toContain('logah-tiny-gpt2-kjv');
    const config = Buffer.from(JSON.stringify({ model_type: 'gpt2', n_head: 5 })).toString('base64');
    const answer = await call(explorer.url, 'Plan', {
      request: { architecture: { transformersConfig: config } },
    });
    expect(answer.status).toBe(400);
    const error = (await answer.json()) as { code: string; details: { type: string; value: string }[] };
    expect(error.code).toBe('invalid_argument');
    const violations = error.details.find(({ type }) => type === 'google.rpc.BadRequest');
    expect(Buffer.from(violations?.value ?? '', 'base64').toString()).toContain('n_head');
  });

  it('does not lead to what is not for browsers', async () => {
    const answer = await fetch(`${explorer.url}logah.v1.AdminService/ReloadModels`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(404);
  });
});

describe('a caller’s token', () => {
  it('goes on to the service, and that of the file where there is none', async () => {
    const seen: (string | undefined)[] = [];
    const server = new Server();
    server.addService(LogahService.service, {
      ListModels: (
        { metadata }: { metadata: Metadata },
        callback: (error: object | null, response?: object) => void,
      ) => {
        const token = metadata.get('authorization')[0]?.toString();
        seen.push(token);
        if (token === 'Bearer right') callback(null, { models: [] });
        else callback({ code: status.UNAUTHENTICATED, details: 'the token is not known' });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    const [plain, withToken] = await Promise.all([
      explorerFor(`127.0.0.1:${port}`),
      explorerFor(`127.0.0.1:${port}`, 'right'),
    ]);
    expect((await call(plain.url, 'ListModels', {})).status).toBe(401);
    expect((await call(plain.url, 'ListModels', {}, { authorization: 'Bearer right' })).status).toBe(200);
    expect((await call(withToken.url, 'ListModels', {})).status).toBe(200);
    const wrong = await call(withToken.url, 'ListModels', {}, { authorization: 'Bearer wrong' });
    expect(await wrong.json()).toMatchObject({ code: 'unauthenticated', message: 'the token is not known' });
    expect(seen).toEqual([undefined, 'Bearer right', 'Bearer right', 'Bearer wrong']);
    await Promise.all([plain.close(), withToken.close()]);
    server.forceShutdown();
  });
});
