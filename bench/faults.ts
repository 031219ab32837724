/** `npm run bench:faults`: what the worst requests and readers cost the server; JSON to bench/results/faults.json. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { compressed, hostileRequests } from '../test/support/hostile-requests';
import { delimited } from '../test/support/protobuf';
import { framed, openSession, path, rawCall } from '../test/support/raw-call';
import { startServer, type ServerProcess } from '../test/support/server-process';

const MODELS = 'models';
const PROBE = {
  NODE_OPTIONS: `--require ${join(__dirname, '..', 'test', 'support', 'event-loop-probe.cjs')}`,
};

async function start(): Promise<ServerProcess> {
  return startServer({ models: MODELS, environment: PROBE, flags: process.env.FLAGS?.split(' ') ?? [] });
}

function resident(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The longest time that the main thread was kept from its events since the last call. */
async function longestStall(server: ServerProcess): Promise<number> {
  const before = server.logs.length;
  server.kill('SIGUSR2');
  for (;;) {
    const entry = server.logs.slice(before).find(({ msg }) => msg === 'event loop');
    if (entry !== undefined) return Number(entry.longestMs);
    await delay(5);
  }
}

interface Measured {
  readonly name: string;
  readonly bytes: number;
  readonly wireBytes: number;
  readonly outcome: string;
  readonly seconds: number;
  readonly memory: number;
  readonly stallMs: number;
}

async function measureRequest(
  name: string,
  rpc: 'Plan' | 'Predict',
  bytes: Buffer,
  compress: boolean,
): Promise<Measured> {
  const server = await start();
  const session = openSession(server.address);
  const warm = rawCall(session, path('Predict'), { body: framed(Buffer.alloc(0)) });
  await warm.ending;
  await longestStall(server);
  resetPeak(server.pid);
  const rest = resident(server.pid);
  const wire = compress ? compressed(bytes) : bytes;
  const started = performance.now();
  const call = rawCall(session, path(rpc), {
    body: framed(wire, compress),
    ...(compress && { headers: { 'grpc-encoding': 'gzip' } }),
  });
  const { status: code, reset } = await Promise.race([
    call.ending,
    server.exit.then(() => ({ status: undefined, reset: -1 })),
  ]);
  const seconds = (performance.now() - started) / 1000;
  const memory = (linuxPeakMemory(server.pid) ?? NaN) - rest;
  const stallMs = reset === -1 ? NaN : await longestStall(server);
  session.destroy();
  await server.stop();
  const outcome =
    code === undefined ? (reset === -1 ? 'died' : `reset ${reset}`) : (status[code] ?? String(code));
  return { name, bytes: bytes.length, wireBytes: wire.length, outcome, seconds, memory, stallMs };
}

async function main(): Promise<void> {
  const only = process.argv[2];
  const rows: Measured[] = [];
  for (const { name, bytes } of hostileRequests(Number(process.env.MAX_NODES ?? 2048))) {
    if (only !== undefined && !name.includes(only)) continue;
    const made = bytes();
    const plan = process.argv[3] === 'Plan';
    const row = await measureRequest(
      name,
      plan ? 'Plan' : 'Predict',
      plan ? delimited(1, made) : made,
      false,
    );
    rows.push(row);
    process.stderr.write(
      `${name}: ${row.bytes} B, ${row.outcome}, ${row.seconds.toFixed(2)} s, ${(row.memory / 1e6).toFixed(0)} MB, stall ${row.stallMs.toFixed(0)} ms\n`,
    );
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
