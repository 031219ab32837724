/** Callers that never read, of every RPC: what they are owed is bounded, others are answered, and they lose their streams. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostileCalls, openCalls, type HostileCall } from '../support/hostile-readers';
import { HealthClient } from '../support/health';
import { allocatorEnvironment } from '../support/image-environment';
import { peakMemory, resetPeakMemory, residentMemory } from '../support/memory';
import { predictAll } from '../support/predicted';
import { SMALL } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';

const MODELS = join(__dirname, '..', '..', 'models');
const MODEL = 'logah-tiny-gpt2-kjv';
const CALLS = 1000;
const MOST_MEMORY = 200e6;

const manifest = JSON.parse(readFileSync(join(MODELS, MODEL, 'manifest.json'), 'utf8')) as {
  files: Record<string, { sha256: string } | undefined>;
};
const calls = hostileCalls(MODEL, manifest.files['expansion.bin']?.sha256 ?? '');

let server: ServerProcess;

afterEach(async () => {
  await server.stop();
});

it.each(calls.map((call) => [call.name, call] as const))(
  'a thousand of them at %s take bounded memory, and others are answered',
  async (_, call) => {
    // As the container image has it: glibc's own choice is to keep what it has once had.
    server = await startServer({ models: MODELS, environment: allocatorEnvironment() });
    const health = new HealthClient(server.address);
    expect(await health.check()).toBe('SERVING');
    const rest = residentMemory(server.pid);
    resetPeakMemory(server.pid);
    const opened = await openCalls(server.address, call, CALLS);
    // What is answered after them has waited for what they asked for.
    for (let count = 0; count < 20; count++) expect(await health.check()).toBe('SERVING');
    expect(peakMemory(server.pid) - rest).toBeLessThan(MOST_MEMORY);
    opened.close();
    health.close();
    expect((await predictAll(server.client, SMALL)).data.length).toBe(48);
  },
);

const ofName = (name: string): HostileCall => {
  const call = calls.find((candidate) => candidate.name === name);
  if (call === undefined) throw new Error(`no hostile call ${name}`);
  return call;
};

it.each(['Predict', 'Plan', 'GetExpansion', 'GetTokenizer', 'Watch', 'ServerReflectionInfo'])(
  'one that takes nothing of %s for a set time loses its stream',
  async (name) => {
    server = await startServer({ models: MODELS, flags: ['--stall-seconds', '1'] });
    const opened = await openCalls(server.address, ofName(name), 3);
    for (let count = 0; count < 3; count++) await server.logged('stalled');
    expect((await server.logged('stalled')).reason).toMatch(/took nothing for \d+ s \(--stall-seconds\)/);
    opened.close();
  },
);

it('a request that does not arrive within that time is refused', async () => {
  server = await startServer({ models: MODELS, flags: ['--stall-seconds', '1'] });
  const opened = await openCalls(server.address, ofName('requests that do not end'), 1);
  const { reason } = await server.logged('refused');
  expect(reason).toBe('the request did not arrive within 1 s');
  opened.close();
});
