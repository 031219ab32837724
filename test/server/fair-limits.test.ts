/** What is bounded before anything is planned: metadata, and the queue of what waits to be planned. */

import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { decodeStatusDetails, STATUS_DETAILS_KEY } from '../../src/contract/rpc-status';
import { LogahService } from '../../src/contract/service-clients';
import type { PlanRequest } from '../../src/gen/logah/v1/PlanRequest';
import { BUNDLE } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { framed, openSession, path, rawCall } from '../support/raw-call';
import { describeFailure } from '../support/refused-call';
import { SMALL } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';

/** Far more than are planned within the deadline, and all that a connection may have at a time but a few. */
const WAITING = 90;
const DEADLINE_SECONDS = 1;

let server: ServerProcess;

const start = async (...flags: string[]): Promise<void> => {
  server = await startServer({ models: BUNDLE, flags });
};

afterEach(async () => {
  // Whatever was refused, the server goes on.
  expect((await predictAll(server.client, SMALL)).data.length).toBe(48);
  expect(server.logs.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
  await server.stop();
});

const transformersConfig = Buffer.from('{"model_type": "gpt2", "n_layer": 96}');
/** As much work as others, and not the same. */
const largeRequest = (seed: number): PlanRequest => ({
  request: { architecture: { transformersConfig }, seed },
});

/** How a plan was refused; undefined: it was made. */
function planned(request: PlanRequest): Promise<ReturnType<typeof describeFailure> | undefined> {
  return new Promise((resolve) => {
    server.stub.Plan(request, (error) => {
      resolve(error ? describeFailure(error) : undefined);
    });
  });
}

describe('metadata', () => {
  const sent = (pairs: number, bytes: number): Promise<number> => {
    const metadata = new Metadata();
    for (let pair = 0; pair < pairs; pair++) metadata.set(`x-pair-${pair}`, 'a'.repeat(bytes));
    return new Promise((resolve) => {
      server.stub.ListModels({}, metadata, (error: ServiceError | null) => {
        resolve(error?.code ?? status.OK);
      });
    });
  };

  it('is bounded in bytes and in pairs, and the connection goes on', async () => {
    await start();
    expect(await sent(1, 15_000)).toBe(status.OK);
    expect(await sent(1, 17_000)).toBe(status.RESOURCE_EXHAUSTED);
    expect(await sent(100, 1)).toBe(status.OK);
    expect(await sent(130, 1)).toBe(status.RESOURCE_EXHAUSTED);
    expect(await sent(1, 1)).toBe(status.OK);
  });

  it('is bounded by what the setting says', async () => {
    await start('--max-metadata-bytes', '32768');
    expect(await sent(1, 30_000)).toBe(status.OK);
    expect(await sent(1, 40_000)).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('leaves the bound of calls on a connection as it was', async () => {
    await start();
    const session = openSession(server.address);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 128, maxHeaderListSize: 16_384 });
    session.destroy();
  });
});

describe('requests that wait to be planned', () => {
  it('are refused where there are too many, and told when to come again', async () => {
    await start('--max-queued', '2');
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, seed) => planned(largeRequest(seed))));
    const refused = outcomes.filter((outcome) => outcome !== undefined);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(27);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({
        code: status.RESOURCE_EXHAUSTED,
        reason: 'QUEUE_FULL',
        message: '2 requests wait to be planned; this server allows 2 (--max-queued)',
      });
      expect(outcome.retryAfterMs).toBeGreaterThan(0);
    }
  });

  it('are refused at once where their turn would come after their deadline', async () => {
    await start();
    for (let seed = 0; seed < 3; seed++) expect(await planned(largeRequest(seed))).toBeUndefined();
    const leaving = new AbortController();
    const waiting = Array.from({ length: WAITING }, (_, index) => {
      const call = server.stub.Plan(largeRequest(index + 3), () => undefined);
      leaving.signal.addEventListener('abort', () => {
        call.cancel();
      });
      return call;
    });
    const session = openSession(server.address);
    const body = framed(LogahService.service.Plan.requestSerialize(largeRequest(1000)));
    // Calls of a connection begin in their order: the last of those before waits when one behind it is answered.
    await new Promise((resolve) => {
      server.stub.ListModels({}, resolve);
    });
    const headers = { 'grpc-timeout': `${DEADLINE_SECONDS}S` };
    const { stream, ending } = rawCall(session, path('Plan'), { body, headers });
    let details: ReturnType<typeof decodeStatusDetails>;
    const read = (headers: NodeJS.Dict<string | string[]>): void => {
      const value = headers[STATUS_DETAILS_KEY];
      if (typeof value === 'string') details = decodeStatusDetails(Buffer.from(value, 'base64'));
    };
    stream.on('response', read).on('trailers', read);
    expect(await ending).toMatchObject({
      status: status.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(
        /^a request waits \d+\.\d s to be planned now, and the deadline of this one is in \d\.\d s$/,
      ) as string,
    });
    expect(details?.reason).toBe('DEADLINE_TOO_NEAR');
    expect(details?.retryAfterMs).toBeGreaterThan(0);
    leaving.abort();
    expect(waiting.length).toBe(WAITING);
    session.destroy();
  });
});
