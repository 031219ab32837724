/** One trial: a client reads a prediction, the server that sends it gets a signal amid the stream, and the bytes are compared. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '../../../src/client';
import type { Replica } from './replicas';

/** Who reads. */
export type ClientKind = 'typescript' | 'python' | 'python-asyncio';

/** What the server that sends gets. */
export type Blow = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';

/** A network whose data, 42 MB, no buffers on the way hold, and the bytes behind which the blow falls. */
export const NETWORK = {
  model_type: 'vit',
  hidden_size: 384,
  intermediate_size: 1536,
  num_attention_heads: 6,
  num_hidden_layers: 6,
  image_size: 224,
  patch_size: 16,
  num_channels: 3,
};
const BLOW_AT = 2_000_000;

/** Seconds of silence that count as a break; servers under test are slower than this only when they are stopped. */
const STALL_SECONDS = 5;

/** The file that the Python client reads the network from. */
export async function writeNetwork(directory: string): Promise<string> {
  const path = join(directory, 'config.json');
  await writeFile(path, JSON.stringify(NETWORK));
  return path;
}

export interface Trial {
  readonly client: ClientKind;
  /** The Python for the clients in that language. */
  readonly python?: string | undefined;
  readonly config: string;
  /** Where the client connects: the proxy, or the replicas themselves. */
  readonly addresses: readonly [string, ...string[]];
  readonly replicas: readonly Replica[];
  readonly blow: Blow;
}

/** What came of a trial. */
export interface Outcome {
  /** Of all data, in hexadecimal. */
  readonly sha256: string;
  /** Streams that the replicas began; more than one where it broke. */
  readonly streams: number;
  readonly seconds: number;
}

/** Runs it, and puts the replica that was struck back in its place. */
export async function runTrial(trial: Trial): Promise<Outcome> {
  const { replicas, blow } = trial;
  const before = replicas.map(({ streams }) => streams);
  const begun = (): number =>
    replicas.reduce((sum, { streams }, index) => sum + streams - (before[index] ?? 0), 0);
  let struck: Replica | undefined;
  const strike = (): void => {
    struck = replicas.find(({ streams }, index) => streams > (before[index] ?? 0));
    if (struck === undefined) throw new Error('no replica has begun a stream');
    struck.signal(blow);
  };
  const start = performance.now();
  try {
    const sha256 =
      trial.client === 'typescript' ? await readHere(trial, strike) : await readInPython(trial, strike);
    return { sha256, streams: begun(), seconds: (performance.now() - start) / 1000 };
  } finally {
    await struck?.restart();
  }
}

/** The digest of the data as a client gets it that nothing happens to. */
export async function expectedDigest(address: string): Promise<string> {
  const client = connect(address);
  const digest = createHash('sha256');
  try {
    for await (const event of client.predict(request())) if (event.kind === 'data') digest.update(event.data);
  } finally {
    client.close();
  }
  return digest.digest('hex');
}

function request() {
  return { architecture: { transformersConfig: Buffer.from(JSON.stringify(NETWORK)) } };
}

async function readHere({ addresses }: Trial, strike: () => void): Promise<string> {
  const client = connect(addresses, { stallMs: STALL_SECONDS * 1000 });
  const digest = createHash('sha256');
  let received = 0;
  try {
    for await (const event of client.predict(request())) {
      if (event.kind !== 'data') continue;
      digest.update(event.data);
      if (received < BLOW_AT && received + event.data.length >= BLOW_AT) strike();
      received += event.data.length;
    }
  } finally {
    client.close();
  }
  return digest.digest('hex');
}

async function readInPython(trial: Trial, strike: () => void): Promise<string> {
  const { python, client, config, addresses } = trial;
  if (python === undefined) throw new Error('the Python clients need the program "python"');
  const kind = client === 'python' ? 'sync' : 'asyncio';
  const args = [kind, String(STALL_SECONDS), config, String(BLOW_AT), ...addresses];
  const child = spawn(python, [join(__dirname, 'reader.py'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line === 'paused') {
      strike();
      child.stdin.write('\n');
    }
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`the Python client ended with code ${String(code)}: ${stderr}`);
  return last;
}
