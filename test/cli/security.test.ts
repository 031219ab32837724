import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, tlsFlags, type Pair } from '../support/certificates';
import { BUNDLE } from '../support/parity-fixtures';
import { startServer, type ServerProcess } from '../support/server-process';
import { newToken } from '../support/tokens';
import { runCli, type CliResult } from './run-cli';

let authority: Authority;
let own: Pair;
let callers: string;
let tokenFile: string;
/** With TLS, certificates of clients and callers. */
let secure: ServerProcess;
/** In plain text. */
let plain: ServerProcess;

beforeAll(async () => {
  authority = new Authority();
  own = authority.sign({ names: 'DNS:client' });
  const { token, line } = newToken('team', 'models=*');
  callers = join(authority.directory, 'callers');
  tokenFile = join(authority.directory, 'token');
  writeFileSync(callers, `${line}\n`);
  writeFileSync(tokenFile, `${token}\n`);
  const tls = [...tlsFlags(authority.sign()), '--tls-client-ca', authority.cert, '--callers', callers];
  [secure, plain] = await Promise.all([
    startServer({
      models: BUNDLE,
      flags: tls,
      environment: { LOGAH_MAX_STREAM: '3', LOGAH_NOTHING_LIKE_IT: '', LOGAH_TOKEN_FILE: tokenFile },
    }),
    startServer({ models: BUNDLE }),
  ]);
});

afterAll(async () => {
  await Promise.all([secure.stop(), plain.stop()]);
  authority.remove();
});

const security = (): string[] => [
  ...['--ca', authority.cert, '--cert', own.cert, '--key', own.key],
  ...['--token-file', tokenFile],
];

function models({ address }: ServerProcess, ...flags: string[]): Promise<CliResult> {
  return runCli('models', '--server', address, '--patience', '0', ...flags);
}

it.each([
  ['plan', '--tls'],
  ['models', '--ca', 'ca.pem'],
  ['explore', '--token-file', 'token'],
])('logah %s refuses %s where no server is named', async (command, ...flags) => {
  const file = command === 'plan' ? ['examples/gpt2/config.json'] : [];
  const { code, stderr } = await runCli(command, ...file, ...flags);
  expect(code).toBe(1);
  expect(stderr).toContain(`${flags[0] ?? ''} is how a server is spoken to; --server must name it`);
});

describe('a command', () => {
  it('speaks TLS, and shows its certificate and its token, by flags', async () => {
    const { code, stdout } = await models(secure, ...security());
    expect(stdout).toContain('parity-logah');
    expect(code).toBe(0);
  });

  it('does so by the environment', async () => {
    const environment = {
      LOGAH_TLS: 'true',
      LOGAH_CA: authority.cert,
      LOGAH_CERT: own.cert,
      LOGAH_KEY: own.key,
      LOGAH_TOKEN_FILE: tokenFile,
    };
    Object.assign(process.env, environment);
    try {
      expect(await models(secure)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('parity-logah') as string,
      });
    } finally {
      for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
    }
  });

  it('asks for the health of a server with TLS, which needs no token', async () => {
    const flags = security().slice(0, 6);
    expect(await runCli('health', '--server', secure.address, ...flags)).toMatchObject({
      code: 0,
      stdout: 'SERVING\n',
    });
  });

  it.each(['models', 'health'])('%s names TLS where one side alone speaks it', async (command) => {
    const ask = (server: ServerProcess, ...flags: string[]): Promise<CliResult> =>
      command === 'models'
        ? models(server, ...flags)
        : runCli('health', '--server', server.address, ...flags);
    const without = await ask(secure);
    expect(without.code).toBe(1);
    expect(without.stderr).toMatch(/speaks TLS .*--tls/);
    const beside = await ask(plain, '--ca', authority.cert);
    expect(beside.code).toBe(1);
    expect(beside.stderr).toContain(`server ${plain.address} does not speak TLS`);
  });

  it('sends no token to another machine in plain text', async () => {
    const { code, stderr } = await runCli(
      ...['models', '--server', '192.0.2.1:50051', '--patience', '0', '--token-file', tokenFile],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/the token is not sent to 192\.0\.2\.1:50051 in plain text/);
  });

  it.each([
    [['--cert', 'a.pem'], /--cert and --key go together/],
    [['--ca', '/nowhere/ca.pem'], /\/nowhere\/ca\.pem.*no such file/],
  ])('is refused with %j', async (flags, says) => {
    const { code, stderr } = await models(plain, ...flags);
    expect(code).toBe(1);
    expect(stderr).toMatch(says);
  });
});

describe('logah token create', () => {
  const create = ['token', 'create', 'team-b', '--scopes', 'models=parity-*', 'streams=2'];

  it('prints another token each time, once, and a line with nothing but its hash', async () => {
    const [one, other] = await Promise.all([runCli(...create), runCli(...create)]);
    const [token = '', line, ...rest] = one.stdout.split('\n');
    expect(token).toMatch(/^lgh_[\w-]{43}$/);
    const sha256 = createHash('sha256').update(token).digest('hex');
    expect(line).toBe(`team-b, sha256:${sha256}, models=parity-* streams=2`);
    expect(rest).toEqual(['']);
    expect(one.stderr).not.toContain(token);
    expect(other.stdout).not.toContain(token);
  });

  it('makes a line for the file of callers, with which the token is good', async () => {
    const { stdout } = await runCli(...create);
    const [token = '', line = ''] = stdout.split('\n');
    const file = join(authority.directory, 'made');
    writeFileSync(file, token);
    const flags = [...security().slice(0, 6), '--token-file', file];
    const before = await models(secure, ...flags);
    expect(before.code).toBe(1);
    expect(before.stderr).toContain('the credentials are of no caller that this server knows');
    const replaced = secure.logged('callers replaced');
    appendFileSync(callers, `${line}\n`);
    await replaced;
    expect(await models(secure, ...flags)).toMatchObject({ code: 0 });
  });

  it.each([
    [['a,b', '--scopes', 'models=*'], 1],
    [['team-b', '--scopes', 'model=*'], 2],
    [['team-b'], 2],
  ])('refuses %j, and makes no token', async (args, expected) => {
    const { code, stdout } = await runCli('token', 'create', ...args);
    expect(code).toBe(expected);
    expect(stdout).not.toContain('lgh_');
  });
});

describe('a server', () => {
  it('warns of variables that are no setting, and of nothing else', async () => {
    await secure.logged('listening');
    const warned = secure.logs.filter(({ msg }) => msg === 'an environment variable that is no setting');
    expect(warned).toMatchObject([
      { variable: 'LOGAH_MAX_STREAM', meant: 'LOGAH_MAX_STREAMS' },
      { variable: 'LOGAH_NOTHING_LIKE_IT' },
    ]);
  });
});
