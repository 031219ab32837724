import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials, status, type ChannelCredentials } from '@grpc/grpc-js';
import { LogahService } from '../../../src/contract/service-clients';
import { callAny, guardedRpcs } from '../../support/guarded-calls';
import { ANSWERED, isHealthy, Matrix, outcomes, refusedAll } from '../../support/authority-matrix';
import { Authority, contents, tlsFlags } from '../../support/certificates';
import { BUNDLE } from '../../support/parity-fixtures';
import { serveUntilEnd, startServer, type ServerProcess } from '../../support/server-process';
import { newToken } from '../../support/tokens';

const MODEL = 'parity-logah';

let authority: Authority;
let matrix: Matrix;

beforeAll(() => {
  authority = new Authority();
  matrix = new Matrix();
});

afterAll(() => {
  authority.remove();
  matrix.remove();
});

async function secure(): Promise<ChannelCredentials> {
  return credentials.createSsl(await readFile(authority.cert));
}

describe('a server with a file of callers', () => {
  let server: ServerProcess;
  let channel: ChannelCredentials;

  beforeAll(async () => {
    server = await startServer({ models: BUNDLE, flags: [...tlsFlags(authority.sign()), ...matrix.flags] });
    channel = await secure();
    const before = await outcomes(server.address, channel, MODEL, matrix.revoked);
    expect(before).toEqual(ANSWERED);
    matrix.revoke();
    await server.logged('callers replaced');
  });

  afterAll(() => server.stop());

  it.each(Object.keys(new Matrix().wrong))('answers no RPC with a byte to %s', async (kind) => {
    const authorization = matrix.wrong[kind];
    const reason = authorization === undefined ? 'CREDENTIALS_MISSING' : 'CREDENTIALS_INVALID';
    expect(await outcomes(server.address, channel, MODEL, authorization)).toEqual(refusedAll(reason));
  });

  it.each(Object.keys(new Matrix().right))('answers every RPC to %s', async (kind) => {
    expect(await outcomes(server.address, channel, MODEL, matrix.right[kind])).toEqual(ANSWERED);
  });

  it('answers checks of health to everybody', async () => {
    expect(await isHealthy(server.address, channel)).toBe(true);
  });

  it('tells its version to those it lets in, and to nobody else', async () => {
    const rpc = guardedRpcs(MODEL).ListModels;
    if (rpc === undefined) throw new Error('no such RPC');
    const { headers } = await callAny(server.address, channel, rpc, matrix.right['a token']);
    expect(headers?.get('x-logah-version')).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+/)]);
    const refused = await callAny(server.address, channel, rpc);
    expect(refused.headers?.get('x-logah-version') ?? []).toEqual([]);
  });

  it('has no token in its log, and the names of callers', () => {
    const log = JSON.stringify(server.logs);
    for (const value of [...Object.values(matrix.wrong), ...Object.values(matrix.right)]) {
      const token = value?.replace(/^\w+ +/, '') ?? '';
      if (token.length > 16) expect(log).not.toContain(token.slice(0, 16));
    }
    expect(server.logs).toContainEqual(
      expect.objectContaining({ msg: 'call', caller: 'trainer', status: 'OK' }),
    );
  });
});

describe("a client's certificate", () => {
  it('is as good as a token where the file of callers has one of its names', async () => {
    const callers = join(matrix.directory, 'named');
    await writeFile(
      callers,
      'edge, san:URI:spiffe://example.org/edge, models=*\nhost, san:DNS:host.example, models=*\n',
    );
    const flags = [...tlsFlags(authority.sign()), '--tls-client-ca', authority.cert, '--callers', callers];
    const server = await startServer({ models: BUNDLE, flags });
    const called = async (names: string): Promise<Readonly<Record<string, string>>> => {
      const { cert, key } = await contents(authority.sign({ names }));
      const channel = credentials.createSsl(await readFile(authority.cert), key, cert);
      return outcomes(server.address, channel, MODEL, undefined);
    };
    expect(await called('URI:spiffe://example.org/edge')).toEqual(ANSWERED);
    expect(await called('DNS:other.example,DNS:host.example')).toEqual(ANSWERED);
    for (const names of ['URI:spiffe://example.org/edge2', 'DNS:spiffe.example', 'DNS:HOST2.example']) {
      expect(await called(names)).toEqual(refusedAll('CREDENTIALS_INVALID'));
    }
    await server.stop();
  });
});

describe('the scopes of a caller', () => {
  const tokens = {
    other: newToken('other', 'models=another-*'),
    small: newToken('small', 'models=parity-* parameters=10'),
    slow: newToken('slow', 'models=* requests=2'),
    heavy: newToken('heavy', 'models=* bytes=1'),
    nothing: newToken('nothing', ''),
    single: newToken('single', 'models=* streams=1'),
  };
  let server: ServerProcess;
  const plain = credentials.createInsecure();
  const rpcs = guardedRpcs(MODEL);

  beforeAll(async () => {
    const callers = join(matrix.directory, 'scoped');
    await writeFile(
      callers,
      Object.values(tokens)
        .map(({ line }) => line)
        .join('\n'),
    );
    server = await startServer({ models: BUNDLE, flags: ['--callers', callers] });
  });

  afterAll(() => server.stop());

  const call = (name: keyof typeof tokens, method: string, model = MODEL): ReturnType<typeof callAny> => {
    const rpc = (model === MODEL ? rpcs : guardedRpcs(model))[method];
    if (rpc === undefined) throw new Error(`no RPC ${method}`);
    return callAny(server.address, plain, rpc, `Bearer ${tokens[name].token}`);
  };

  it.each(['Predict', 'Plan', 'GetExpansion', 'GetTokenizer'])(
    'keep %s from models that are not in them, whether or not there is one',
    async (method) => {
      const there = await call('other', method);
      const nowhere = await call('other', method, 'parity-nowhere');
      for (const ending of [there, nowhere]) {
        expect(ending).toMatchObject({
          code: status.PERMISSION_DENIED,
          reason: 'MODEL_NOT_ALLOWED',
          domain: 'logah',
          info: { scope: 'models' },
          bytes: 0,
        });
      }
      expect(there.details.replace(MODEL, '')).toBe(nowhere.details.replace('parity-nowhere', ''));
      expect(await call('other', method, '')).toMatchObject({ code: status.PERMISSION_DENIED, bytes: 0 });
    },
  );

  it('leave out of the list of models what is not in them', async () => {
    const listed = await Promise.all(
      (['other', 'nothing', 'small'] as const).map(async (name) => {
        const { messages } = await call(name, 'ListModels');
        const { models, defaultModel } = LogahService.service.ListModels.responseDeserialize(
          Buffer.concat(messages),
        );
        return [defaultModel, ...models.map((model) => model.name)];
      }),
    );
    expect(listed).toEqual([[''], [''], [MODEL, MODEL]]);
  });

  it.each(['Predict', 'Plan'])('keep %s from larger networks, with both numbers', async (method) => {
    const ending = await call('small', method);
    expect(ending).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'PARAMETERS_EXCEEDED', bytes: 0 });
    expect(Number(ending.info.parameters)).toBeGreaterThan(10);
    expect(ending.info.allowed).toBe('10');
  });

  it('bound calls a minute, and tell when to try again', async () => {
    expect((await call('slow', 'ListModels')).code).toBe(status.OK);
    expect((await call('slow', 'ListModels')).code).toBe(status.OK);
    const { code, reason, retryAfterMs } = await call('slow', 'ListModels');
    expect({ code, reason }).toEqual({ code: status.RESOURCE_EXHAUSTED, reason: 'REQUEST_RATE_EXCEEDED' });
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(30_000);
  });

  it('bound bytes a minute, those of a prediction that went beyond them included', async () => {
    const first = await call('heavy', 'Predict');
    expect(first.code).toBe(status.OK);
    const { code, reason, retryAfterMs } = await call('heavy', 'Predict');
    expect({ code, reason }).toEqual({ code: status.RESOURCE_EXHAUSTED, reason: 'BYTE_RATE_EXCEEDED' });
    expect(retryAfterMs).toBeGreaterThan(60_000);
  });
});

describe('a file of callers', () => {
  const refusal = async (text: string): Promise<string> => {
    const path = join(matrix.directory, 'wrong');
    await writeFile(path, text);
    const { code, stderr } = await serveUntilEnd(['--models', BUNDLE, '--callers', path]);
    expect(code).toBe(1);
    return stderr.trim().replace(path, 'FILE');
  };

  it.each([
    ['a', 'line 1 has the name ""'],
    ['# none\n\na, hunter2, models=*', 'line 3 (a) has a credential that is none of sha256:HEX'],
    [`a, sha256:${'0'.repeat(63)}`, 'line 1 (a) has a credential'],
    ['a, jwt:x, model=b', 'line 1 (a): the list of scopes has "model=b"'],
    ['a, jwt:x, parameters=-1', 'line 1 (a): the list of scopes has parameters="-1"'],
    ['a, jwt:x, admin\na, jwt:y', 'line 2 gives a other scopes than a line before'],
    ['a, jwt:x\nb, jwt:x', 'line 2 (b) has the credential of another line'],
    [`a, sha256:${'AB'.repeat(32)}\nb, ${'ab'.repeat(32)}`, 'line 2 (b) has the credential of another line'],
    ['a, san:x.example', 'line 1 (a) has a credential'],
  ])('that is wrong ends the start: %j', async (text, message) => {
    const told = await refusal(text);
    expect(told).toContain(`--callers FILE: ${message}`);
    expect(told).not.toContain('hunter2');
  });

  it('that becomes wrong is told of, and the one before stays in force', async () => {
    const right = newToken('right', 'models=*');
    const path = join(matrix.directory, 'changing');
    await writeFile(path, right.line);
    const server = await startServer({ models: BUNDLE, flags: ['--callers', path] });
    await writeFile(path, 'nonsense');
    const { reason } = await server.logged('callers not replaced');
    expect(reason).toContain('line 1');
    const channel = credentials.createInsecure();
    expect(await outcomes(server.address, channel, MODEL, `Bearer ${right.token}`)).toEqual(ANSWERED);
    await server.stop();
  });
});
