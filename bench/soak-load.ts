/** The load of the soak: kinds of callers, good and bad, each of which does a round after the other. */

import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { status } from '@grpc/grpc-js';
import { connect, predictDense } from '../src/client';
import type { PredictRequest } from '../src/gen/logah/v1/PredictRequest';
import { anyCall, callOf } from '../test/support/any-call';
import { HealthClient } from '../test/support/health';
import { hostileCalls, openCalls } from '../test/support/hostile-readers';
import { compressed, hostileRequests } from '../test/support/hostile-requests';
import { delimited } from '../test/support/protobuf';
import { framed, openSession, path, rawCall } from '../test/support/raw-call';
import { reflectedServices } from '../test/support/reflection';

/** A kind of caller: one round, whose number it is told, and the pause behind it. */
export interface Caller {
  readonly name: string;
  readonly pauseMs: number;
  readonly round: (index: number) => Promise<void>;
}

const ROOT = join(__dirname, '..');
export const MODELS = join(ROOT, 'models');
const MODEL = 'logah-tiny-gpt2-kjv';

/** Of the server that is attacked; hostile graphs are planned within it. */
export const MAX_NODES = 2048;
/** Readers that take nothing lose their streams after so long. */
export const STALL_SECONDS = 5;

const STALLED_READERS = 30;
const RESETS = 100;
const FUZZED_CALLS = 50;
const MOST_BEFORE_CANCEL = 8e6;
/** Networks that are asked for again and again, so that the server's caches are full when the warm-up ends. */
const SEEDS = 20;

const config = (name: string): Buffer => readFileSync(join(ROOT, 'examples', name, 'config.json'));

/** The callers of a server at `address`; `statuses` counts how fuzzed calls end, draws come from `seed`. */
export function callersOf(address: string, seed: number, statuses: Map<string, number>): readonly Caller[] {
  const client = connect(address);
  const vit = { architecture: { transformersConfig: config('vit-tiny-patch16-224') } };
  const gpt2 = { architecture: { transformersConfig: config('gpt2') } };
  const manifest = JSON.parse(readFileSync(join(MODELS, MODEL, 'manifest.json'), 'utf8')) as {
    files: Record<string, { sha256: string } | undefined>;
  };
  const stalls = hostileCalls(MODEL, manifest.files['expansion.bin']?.sha256 ?? '');
  const hostile = hostileRequests(MAX_NODES);
  const drain = async (request: PredictRequest, most = Infinity): Promise<void> => {
    for await (const event of client.predict(request)) {
      if (event.kind === 'data' && event.offset >= most) return;
    }
  };
  return [
    {
      name: 'downloads',
      pauseMs: 1000,
      round: async (index) => {
        const forms: readonly (() => Promise<void>)[] = [
          () => drain({ ...vit, seed: index % SEEDS }),
          () => drain({ ...vit, seed: index % SEEDS, dtype: 'DATA_TYPE_BFLOAT16' }),
          () => drain({ ...vit, seed: index % SEEDS, representation: 'REPRESENTATION_FACTORS' }),
          () => drain({ ...vit, seed: index % SEEDS, shard: { index: index % 4, count: 4 }, lift: 0.1 }),
          async () => {
            const request = { ...vit, seed: index % SEEDS, representation: 'REPRESENTATION_CORE' as const };
            for await (const event of predictDense(client, request)) if (event.kind === 'summary') return;
          },
        ];
        await forms[index % forms.length]?.();
      },
    },
    {
      name: 'cancels',
      pauseMs: 700,
      round: (index) =>
        drain({ ...gpt2, seed: index % SEEDS }, ((index * 7919) % 100) * (MOST_BEFORE_CANCEL / 100)),
    },
    {
      name: 'stalls',
      pauseMs: 1000,
      round: async (index) => {
        const call = stalls[index % stalls.length];
        if (call === undefined) return;
        const opened = await openCalls(address, call, STALLED_READERS);
        await delay(index % 2 === 0 ? 500 : (STALL_SECONDS + 3) * 1000);
        opened.close();
      },
    },
    {
      name: 'resets',
      pauseMs: 1500,
      round: async () => {
        const session = connectHttp2(`http://${address}`);
        session.on('error', () => undefined);
        const body = framed(delimited(1, delimited(2, config('gpt2'))));
        const endings = Array.from({ length: RESETS }, async () => {
          const { stream, ending } = rawCall(session, path('Predict'), { body });
          stream.close(constants.NGHTTP2_CANCEL);
          await ending;
        });
        await Promise.all(endings);
        session.destroy();
      },
    },
    {
      name: 'hostile requests',
      pauseMs: 4000,
      round: async (index) => {
        const request = hostile[index % hostile.length];
        if (request === undefined) return;
        const message = delimited(1, request.bytes());
        const compress = Math.floor(index / hostile.length) % 2 === 1;
        const session = openSession(address);
        const { ending } = rawCall(session, path('Plan'), {
          body: framed(compress ? compressed(message) : message, compress),
          ...(compress && { headers: { 'grpc-encoding': 'gzip' } }),
        });
        // One that is refused before it has arrived may leave its stream open at this end.
        await Promise.race([ending, delay(2 * STALL_SECONDS * 1000)]);
        session.destroy();
      },
    },
    {
      name: 'fuzzed requests',
      pauseMs: 1000,
      round: async (index) => {
        const session = openSession(address);
        const calls = fc.sample(anyCall([MODEL, 'logah-tiny-vit-fashion']), {
          numRuns: FUZZED_CALLS,
          seed: seed + index,
        });
        for (const call of calls) {
          const { status: code, isCut, reset } = await callOf(session, call);
          const ending = isCut
            ? 'cut off'
            : code === undefined
              ? `reset ${reset}`
              : (status[code] ?? String(code));
          statuses.set(ending, (statuses.get(ending) ?? 0) + 1);
        }
        session.destroy();
      },
    },
    {
      name: 'raw bytes',
      pauseMs: 1000,
      round: async (index) => {
        const [host = '', port = ''] = address.split(':');
        const parts = fc.sample(fc.uint8Array({ maxLength: 200 }), { numRuns: 10, seed: seed + index });
        for (const [part, bytes] of parts.entries()) {
          const socket = createConnection({ host, port: Number(port) });
          socket.on('error', () => undefined).resume();
          await once(socket, 'connect');
          if (part % 2 === 0) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
          await new Promise<void>((resolve) => socket.end(bytes, resolve).once('close', resolve));
          socket.destroy();
        }
      },
    },
    {
      name: 'other methods',
      pauseMs: 1000,
      round: async () => {
        const health = new HealthClient(address);
        if ((await health.check()) !== 'SERVING') throw new Error('the server is not well');
        const watch = health.watch();
        watch.on('error', () => undefined);
        await once(watch, 'data');
        watch.cancel();
        health.close();
        await reflectedServices(address, 'v1');
        await client.listModels();
        await client.tokenizer(MODEL);
        await client.plan({ ...gpt2, representation: 'REPRESENTATION_CORE' });
        const fresh = connect(address);
        const plan = await fresh.plan({ ...gpt2, representation: 'REPRESENTATION_CORE' });
        await fresh.expansion(plan);
        fresh.close();
      },
    },
  ];
}
