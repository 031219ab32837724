/**
 * `npm run bench:faults`: what the worst requests, and readers that do not read, cost the server; JSON to
 * bench/results/faults.json. Every figure is of a server of its own. With an argument, only what has it in its name is
 * measured anew.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { hostileCalls, openCalls } from '../test/support/hostile-readers';
import { compressed, hostileRequests } from '../test/support/hostile-requests';
import { delimited } from '../test/support/protobuf';
import { framed, openSession, path, rawCall } from '../test/support/raw-call';
import { allocatorEnvironment } from '../test/support/image-environment';
import { startServer, type ServerProcess } from '../test/support/server-process';
import type { FaultResults, ReadersRow, RequestRow } from './fault-results';

const MODELS = 'models';
const OUT = 'bench/results/faults.json';
const PROBE = {
  NODE_OPTIONS: `--require ${join(__dirname, '..', 'test', 'support', 'event-loop-probe.cjs')}`,
};
const MAX_NODES = 2048;
const READERS = 1000;

/** How long readers that do not read are watched. */
const WATCHED_MS = 8000;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** A server that has answered once, and a measurement of what it takes from then on. */
async function measured<Result>(
  act: (server: ServerProcess) => Promise<Result>,
): Promise<{ readonly result: Result; readonly memory: number; readonly stallMs: number }> {
  const server = await startServer({ models: MODELS, environment: { ...allocatorEnvironment(), ...PROBE } });
  const session = openSession(server.address);
  await rawCall(session, path('Predict'), { body: framed(Buffer.alloc(0)) }).ending;
  session.destroy();
  await longestStall(server);
  writeFileSync(`/proc/${server.pid}/clear_refs`, '5');
  const rest = resident(server.pid);
  const result = await act(server);
  const memory = (linuxPeakMemory(server.pid) ?? NaN) - rest;
  const stallMs = await longestStall(server);
  await server.stop();
  return { result, memory, stallMs };
}

function resident(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
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

async function measureRequest(name: string, bytes: Buffer, compress: boolean): Promise<RequestRow> {
  const wire = compress ? compressed(bytes) : bytes;
  const started = performance.now();
  let seconds = 0;
  const { result, memory, stallMs } = await measured(async (server) => {
    const session = openSession(server.address);
    const sent = performance.now();
    const { ending } = rawCall(session, path('Plan'), {
      body: framed(wire, compress),
      ...(compress && { headers: { 'grpc-encoding': 'gzip' } }),
    });
    const { status: code } = await ending;
    seconds = (performance.now() - sent) / 1000;
    session.destroy();
    return code === undefined ? 'reset' : (status[code] ?? String(code));
  });
  const row = {
    name,
    bytes: bytes.length,
    sentBytes: wire.length,
    outcome: result,
    seconds,
    memory,
    stallMs,
  };
  say(
    `${name}${compress ? ', compressed' : ''}: ${result}, ${seconds.toFixed(2)} s, ${(memory / 1e6).toFixed(0)} MB, ` +
      `${stallMs.toFixed(0)} ms (${((performance.now() - started) / 1000).toFixed(0)} s in all)`,
  );
  return row;
}

async function measureReaders(index: number): Promise<ReadersRow> {
  const expansion = JSON.parse(readFileSync('models/logah-tiny-gpt2-kjv/manifest.json', 'utf8')) as {
    files: Record<string, { sha256: string } | undefined>;
  };
  const calls = hostileCalls('logah-tiny-gpt2-kjv', expansion.files['expansion.bin']?.sha256 ?? '');
  const call = calls[index];
  if (call === undefined) throw new Error(`no hostile call ${index}`);
  const { result, memory, stallMs } = await measured(async (server) => {
    const opened = await openCalls(server.address, call, READERS);
    await delay(WATCHED_MS);
    const open = opened.open();
    opened.close();
    return open;
  });
  say(
    `${call.name}: ${result} of ${READERS} open, ${(memory / 1e6).toFixed(0)} MB, ${stallMs.toFixed(0)} ms`,
  );
  return { name: call.name, calls: READERS, open: result, memory, stallMs };
}

/** The rows, with those that were measured anew in the place of the old ones. */
function replaced<Row>(
  rows: readonly Row[],
  anew: readonly Row[],
  isSame: (one: Row, other: Row) => boolean,
): Row[] {
  return rows.map((row) => anew.find((other) => isSame(row, other)) ?? row);
}

function isSameRequest(one: RequestRow, other: RequestRow): boolean {
  return one.name === other.name && one.sentBytes < one.bytes === other.sentBytes < other.bytes;
}

async function main(): Promise<void> {
  const [only = ''] = process.argv.slice(2);
  const requests: RequestRow[] = [];
  const readers: ReadersRow[] = [];
  for (let index = 0; index < hostileCalls('', '').length; index++) {
    if ((hostileCalls('', '')[index]?.name ?? '').includes(only)) readers.push(await measureReaders(index));
  }
  for (const { name, bytes } of hostileRequests(MAX_NODES)) {
    if (!name.includes(only)) continue;
    const request = delimited(1, bytes());
    requests.push(await measureRequest(name, request, false));
    if (/packed|empty n|zeros/.test(name)) requests.push(await measureRequest(name, request, true));
  }
  const before = only === '' ? undefined : (JSON.parse(readFileSync(OUT, 'utf8')) as FaultResults);
  const results: FaultResults = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    node: process.version,
    commit: existsSync('.git')
      ? execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim()
      : '',
    requests: before === undefined ? requests : replaced(before.requests, requests, isSameRequest),
    readers:
      before === undefined
        ? readers
        : replaced(before.readers, readers, (one, other) => one.name === other.name),
  };
  writeFileSync(OUT, `${JSON.stringify(results, null, 2)}\n`);
  say(`wrote ${OUT}`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
