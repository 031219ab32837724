/** The explorer before servers that refuse it, or go away. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, ServerCredentials, status, type Metadata } from '@grpc/grpc-js';
import type { Browser } from 'playwright-core';
import { LogahService } from '../../../src/contract/service-clients';
import { Authority, tlsFlags } from '../../support/certificates';
import { startServer } from '../../support/server-process';
import { newToken } from '../../support/tokens';
import { startExplorer } from './explorer-process';
import { openBrowser, visit } from './visitor';

const MODELS = join(__dirname, '../../../models');

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

it('asks for a token, and says where it is wrong', async () => {
  const server = new Server();
  const tokens: (string | undefined)[] = [];
  server.addService(LogahService.service, {
    Plan: ({ metadata }: { metadata: Metadata }, callback: (error: object) => void) => {
      tokens.push(metadata.get('authorization')[0]?.toString());
      callback({ code: status.UNAUTHENTICATED, details: 'the token is not known' });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  const explorer = await startExplorer(['--server', `127.0.0.1:${port}`]);
  const { page, close } = await visit(browser, explorer.url, '#example=gpt2');
  await page
    .getByText('The server does not accept this caller: the token is not known', { exact: false })
    .waitFor();
  await page.getByLabel('Token', { exact: true }).last().fill('wrong');
  const answered = page.waitForResponse(/Plan$/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await answered;
  await page.getByText('the token is not known', { exact: false }).waitFor();
  expect(tokens).toEqual([undefined, 'Bearer wrong']);
  await close();
  await explorer.stop();
  server.forceShutdown();
});

it('says that the server is away, and goes on when it is back', async () => {
  const first = await startServer({ models: MODELS });
  const explorer = await startExplorer(['--server', first.address]);
  await first.stop();
  const { page, close } = await visit(browser, explorer.url, '#example=gpt2');
  await page.getByText('The page asks again until it is back', { exact: false }).waitFor();
  const second = await startServer({ models: MODELS, flags: ['--address', first.address] });
  await page.getByRole('button', { name: /wte\s*conv 50257 × 768/ }).waitFor();
  expect(await page.getByText('The page asks again', { exact: false }).count()).toBe(0);
  await close();
  await explorer.stop();
  await second.stop();
});

it('is offered by a running service, too', async () => {
  const server = await startServer({ models: MODELS, flags: ['--explorer-address', '127.0.0.1:0'] });
  const { url } = await server.logged('explorer');
  const { page, complaints, close } = await visit(browser, String(url), '#example=gpt2');
  await page.getByRole('button', { name: /wte\s*conv 50257 × 768/ }).waitFor();
  expect(complaints).toEqual([]);
  await close();
  expect((await server.stop()).code).toBe(0);
});

it('asks for a token over TLS, and shows what others do only to those who may see it', async () => {
  const authority = new Authority();
  const [one, operator] = [newToken('one', 'models=*'), newToken('operator', 'models=* admin')];
  const callers = join(authority.directory, 'callers');
  await writeFile(callers, `${one.line}\n${operator.line}\n`);
  const flags = [...tlsFlags(authority.sign()), '--callers', callers, '--metrics-address', '127.0.0.1:0'];
  const server = await startServer({
    models: MODELS,
    flags: [...flags, '--explorer-address', '127.0.0.1:0'],
  });
  const { url } = await server.logged('explorer');
  expect(String(url)).toMatch(/^https:/);
  for (const [token, ready] of [
    [one.token, 'the caller one may not see what others do'],
    [operator.token, 'workers busy'],
  ] as const) {
    const { page, complaints, close } = await visit(browser, String(url), '#example=gpt2', {
      ignoreHTTPSErrors: true,
    });
    await page.getByText('The server does not accept this caller', { exact: false }).waitFor();
    await page.getByLabel('Token', { exact: true }).last().fill(`${token}x`);
    const refused = page.waitForResponse(/Plan$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await refused;
    await page.getByText('of no caller that this server knows', { exact: false }).waitFor();
    await page.getByLabel('Token', { exact: true }).last().fill(token);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: /wte\s*conv 50257 × 768/ }).waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(ready, { exact: false }).first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  }
  await server.stop();
  authority.remove();
});
