import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, tlsFlags } from '../support/certificates';
import { MODEL, replaceBy, writeVersion } from '../support/model-versions';
import { startServer, type ServerProcess } from '../support/server-process';
import { newToken } from '../support/tokens';
import { runCli, type CliResult } from './run-cli';

let directory: string;
let bundle: string;
let authority: Authority;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-admin-'));
  bundle = join(directory, 'models', 'model');
  await writeVersion(bundle, 'fan_in');
  authority = new Authority();
  const operator = newToken('operator', 'admin');
  const team = newToken('team', 'models=*');
  await writeFile(join(directory, 'callers'), `${operator.line}\n${team.line}\n`);
  await writeFile(join(directory, 'operator'), operator.token);
  await writeFile(join(directory, 'team'), team.token);
  const flags = [
    ...tlsFlags(authority.sign()),
    ...['--callers', join(directory, 'callers'), '--models-poll-seconds', '0', '--workers', '1'],
  ];
  server = await startServer({ models: join(directory, 'models'), flags });
});

afterAll(async () => {
  await server.stop();
  authority.remove();
  await rm(directory, { recursive: true });
});

function admin(who: 'operator' | 'team', ...args: string[]): Promise<CliResult> {
  const security = ['--ca', authority.cert, '--token-file', join(directory, who)];
  return runCli('admin', ...args, '--server', server.address, ...security);
}

const listed = async (): Promise<string[]> =>
  [...(await admin('operator', 'list')).stdout.matchAll(/\S+@[0-9a-f]{12}/g)].map(([name]) => name);

it('replaces, adds, takes away and lists the models of a server, over TLS and with a token', async () => {
  const [before = ''] = await listed();
  expect(before.startsWith(`${MODEL}@`)).toBe(true);
  expect((await admin('operator', 'reload')).stdout).toMatch(/^nothing has changed:/);
  await replaceBy(bundle, 'std');
  expect((await admin('operator', 'reload')).stdout).toMatch(/^models have changed:/);
  const [after = ''] = await listed();
  expect(after).not.toBe(before);

  await cp(bundle, join(directory, 'models', 'second'), { recursive: true });
  await replaceBy(join(directory, 'models', 'second'), 'fan_in', 'other');
  const loaded = await admin('operator', 'load', 'second');
  expect(loaded).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^other@[0-9a-f]{12} answers\n$/) as string,
  });
  expect(await listed()).toEqual([after, loaded.stdout.split(' ')[0]].sort());
  expect(await admin('operator', 'unload', 'other')).toMatchObject({
    code: 0,
    stdout: 'other answers no new calls\n',
  });
  expect(await listed()).toEqual([after]);
});

it('tells of what is broken, with exit code 1', async () => {
  await writeFile(join(bundle, 'manifest.json'), '{}');
  const { code, stdout } = await admin('operator', 'reload');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^model is broken: .* goes on\)$/m);
});

it.each([
  [['unload'], /admin unload needs the name of a model/],
  [['reload', 'model'], /admin reload takes no model/],
  [['drop'], /Allowed choices are list, load, unload, reload/],
])('refuses %j', async (args, says) => {
  const { code, stderr } = await admin('operator', ...args);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(says);
});

it('does nothing for callers without the scope', async () => {
  const { code, stderr } = await admin('team', 'reload');
  expect(code).toBe(1);
  expect(stderr).toContain('the caller team may not administer the server');
});
