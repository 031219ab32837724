/** GetActivity over a real port: figures for those with authority, and those that the metrics have. */

import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { LogahService } from '../../../src/contract/service-clients';
import type { GetActivityResponse__Output } from '../../../src/gen/logah/v1/GetActivityResponse';
import { callAny, type AnyEnding } from '../../support/guarded-calls';
import { predictAll } from '../../support/predicted';
import { BUNDLE } from '../../support/parity-fixtures';
import { SMALL } from '../../support/requests';
import { startServer } from '../../support/server-process';
import { newToken } from '../../support/tokens';

const { GetActivity } = LogahService.service;

function ask(address: string, token?: string): Promise<AnyEnding> {
  const rpc = { path: GetActivity.path, request: GetActivity.requestSerialize({}) };
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return callAny(address, credentials.createInsecure(), rpc, authorization);
}

function answerOf({ messages: [message] }: AnyEnding): GetActivityResponse__Output {
  if (message === undefined) throw new Error('no answer came');
  return GetActivity.responseDeserialize(message);
}

describe('GetActivity', () => {
  it('counts what was sent, by stage too, and says what there is a limit of', async () => {
    const server = await startServer({ models: BUNDLE, flags: ['--metrics-address', '127.0.0.1:0'] });
    const before = answerOf(await ask(server.address));
    const { plan } = await predictAll(server.client, SMALL);
    const after = answerOf(await ask(server.address));
    expect(before).toMatchObject({ sentBytes: 0, startedCalls: 0, refusedCalls: 0, busyWorkers: 0 });
    expect(after.sentBytes).toBe(plan.totalBytes);
    expect(after.sentElements).toBe(12);
    expect(after.startedCalls).toBe(1);
    expect(after.uptimeSeconds).toBeGreaterThan(before.uptimeSeconds);
    expect(after.workers).toBeGreaterThan(0);
    expect(after.memoryBytes).toBeGreaterThan(1e7);
    expect(after.held.map(({ name }) => name)).toEqual([
      'connections',
      'calls',
      'streams',
      'request_bytes',
      'plan_bytes',
      'tile_bytes',
    ]);
    expect(after.held.every(({ used, limit }) => used <= limit && limit > 0)).toBe(true);
    expect(after.stages.map(({ name }) => name)).toEqual(['plan', 'encode', 'decode', 'write']);
    await server.stop();
    // Those who watch ask often; what they ask is not worth a line each.
    expect(server.logs.filter(({ msg, method }) => msg === 'call' && method === 'GetActivity')).toEqual([]);
  });

  it('is for those who look after the server where callers are known', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'logah-activity-'));
    const [one, operator] = [newToken('one', 'models=*'), newToken('operator', 'admin')];
    await writeFile(join(directory, 'callers'), `${one.line}\n${operator.line}\n`);
    const server = await startServer({
      models: BUNDLE,
      flags: ['--callers', join(directory, 'callers'), '--metrics-address', '127.0.0.1:0'],
    });
    const refused = await ask(server.address, one.token);
    expect(refused).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'METHOD_NOT_ALLOWED', bytes: 0 });
    expect(refused.details).toBe('the caller one may not see what others do: it needs the scope admin');
    expect((await ask(server.address)).code).toBe(status.UNAUTHENTICATED);
    expect(answerOf(await ask(server.address, operator.token)).workers).toBeGreaterThan(0);
    await server.stop();
    await rm(directory, { recursive: true });
  });

  it('is not there where the server has no metrics', async () => {
    const server = await startServer({ models: BUNDLE, flags: ['--metrics-address', 'off'] });
    expect(await ask(server.address)).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'this server has no metrics (--metrics-address off)',
    });
    await server.stop();
  });
});
