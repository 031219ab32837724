/** Requests of every RPC, made by the contract's descriptors: whatever they are, the answer is one of ours. */

import fc from 'fast-check';
import { constants } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { LogahService } from '../../src/contract/service-clients';
import { anyCall, callOf } from '../support/any-call';
import { HealthClient } from '../support/health';
import { BUNDLE } from '../support/parity-fixtures';
import { framed, openSession, rawCall } from '../support/raw-call';
import { startServer, type ServerProcess } from '../support/server-process';

/** Calls that are tried; LOGAH_FUZZ_RUNS asks for more. */
const RUNS = Number(process.env.LOGAH_FUZZ_RUNS ?? 400);

/** How a call may end that was answered: with a plan, or with what is wrong with it. */
const ANSWERS = new Set<number | undefined>([
  status.OK,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.RESOURCE_EXHAUSTED,
]);

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ models: BUNDLE, flags: ['--workers', '1'] });
});

afterAll(async () => {
  await server.stop();
});

it(
  'by the descriptors, of any RPC, gets an answer that is no fault of the server',
  async () => {
    const health = new HealthClient(server.address);
    const session = openSession(server.address);
    const seen = new Map<number | undefined, number>();
    await fc.assert(
      fc.asyncProperty(anyCall(['parity-logah']), async (call) => {
        const { status: code, isCut, details, requestId } = await callOf(session, call);
        if (!isCut)
          expect({ code, details, known: ANSWERS.has(code) }).toEqual({ code, details, known: true });
        if (code !== undefined) expect(requestId).not.toBe('');
        seen.set(code, (seen.get(code) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
    // The requests are not all refused at the door, nor all let in.
    expect(seen.get(status.OK)).toBeGreaterThan(RUNS / 50);
    expect(seen.get(status.INVALID_ARGUMENT)).toBeGreaterThan(RUNS / 50);
    expect(await health.check()).toBe('SERVING');
    expect(server.logs.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
    session.destroy();
    health.close();
  },
  Math.max(60_000, RUNS * 200),
);

it('whose bytes end anywhere, or whose prefix is wrong, ends with a status or its own stream', async () => {
  const session = openSession(server.address);
  const paths = Object.values(LogahService.service).map(({ path }) => path);
  await fc.assert(
    fc.asyncProperty(
      anyCall(['parity-logah']),
      fc.constantFrom(...paths),
      fc.nat({ max: 40 }),
      fc.option(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 255 })), { nil: undefined }),
      async ({ request }, path, cut, change) => {
        const body = framed(request);
        if (change !== undefined) body[change[0]] = change[1];
        const { ending, stream } = rawCall(session, path, { body: body.subarray(0, body.length - cut) });
        stream.on('data', () => {
          stream.close(constants.NGHTTP2_CANCEL);
        });
        const { status: code, reset } = await ending;
        expect(code !== undefined || reset !== constants.NGHTTP2_NO_ERROR).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
  expect(server.logs.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
  session.destroy();
});
