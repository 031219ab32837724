/** What one placement of the server predicts, and how fast: a server of its own for each, started and stopped. */

import { readFile } from 'node:fs/promises';
import { connect, LogahError, type LogahClient, type PredictRequest } from '../../../client';
import type { Bundles } from '../../../hypernet/bundle';
import type { Placement } from '../../../hypernet/sessions';
import { startEmbeddedServer } from '../../embedded-server';
import { timeStream } from '../../load';
import { packagePath } from '../../package-paths';
import { NETWORKS, type NetworkConfig } from './networks';
import { predictedTensors, type PredictedTensor } from './predicted-tensors';

/** Streams that are timed after one that is not. */
const TIMED_STREAMS = 3;

/** One network as one model predicts it. */
export interface CheckedNetwork {
  readonly model: string;
  /** Its name in `NETWORKS`. */
  readonly network: string;
  readonly tensors: readonly PredictedTensor[];
}

/** What a placement came to. */
export interface Measurement {
  readonly placement: Placement;
  readonly networks: readonly CheckedNetwork[];
  /** Of ViT-Base, one stream at a time: the median. */
  readonly bytesPerSecond: number;
  readonly peakMemoryBytes: number;
}

/** Starts a server on the placement and has it predict. Throws LogahError in the server's words where it does not start. */
export async function measure(
  placement: Placement,
  { bundles, directory }: { readonly bundles: Bundles; readonly directory: string },
  signal: AbortSignal,
): Promise<Measurement> {
  const flags = ['--execution-provider', placement.provider];
  if (placement.provider === 'cuda') flags.push('--cuda-devices', String(placement.device));
  const server = await startEmbeddedServer({ modelsDirectory: directory, signal, flags });
  const client = connect(server.address, { patienceMs: 0 });
  try {
    const networks: CheckedNetwork[] = [];
    for (const { manifest } of bundles.values()) {
      for (const network of networksOf(manifest.families)) {
        const tensors = await tensorsOf(client, manifest.name, network, signal);
        if (tensors !== undefined) networks.push({ model: manifest.name, network, tensors });
      }
    }
    return { placement, networks, ...(await timed(client, signal)) };
  } finally {
    client.close();
    await server.stop();
  }
}

/** Those of the model's families; of a model without families of ours, all that it takes. */
function networksOf(families: readonly string[]): readonly string[] {
  const own = Object.keys(NETWORKS).filter((name) => families.includes(name));
  return own.length > 0 ? own : Object.keys(NETWORKS);
}

/** Undefined where the model cannot predict the network. */
async function tensorsOf(
  client: LogahClient,
  model: string,
  network: string,
  signal: AbortSignal,
): Promise<readonly PredictedTensor[] | undefined> {
  try {
    return await predictedTensors(client, requestFor(NETWORKS[network] ?? {}, model), signal);
  } catch (error) {
    if (error instanceof LogahError && error.kind === 'invalid_argument') return undefined;
    throw error;
  }
}

async function timed(
  client: LogahClient,
  signal: AbortSignal,
): Promise<Pick<Measurement, 'bytesPerSecond' | 'peakMemoryBytes'>> {
  const path = packagePath('examples', 'vit-base-patch16-224', 'config.json');
  const request = requestFor(JSON.parse(await readFile(path, 'utf8')) as NetworkConfig);
  const rates: number[] = [];
  let peakMemoryBytes = 0;
  for (let stream = 0; stream <= TIMED_STREAMS; stream++) {
    const times = await timeStream(client, request, signal);
    if (stream > 0) rates.push(times.bytes / times.seconds);
    peakMemoryBytes = times.serverPeakMemoryBytes;
  }
  rates.sort((one, other) => one - other);
  return { bytesPerSecond: rates[Math.floor(rates.length / 2)] ?? 0, peakMemoryBytes };
}

function requestFor(config: NetworkConfig, model?: string): PredictRequest {
  return {
    architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) },
    dtype: 'DATA_TYPE_FLOAT32',
    ...(model !== undefined && { model }),
  };
}

/** "cpu" or "cuda:INDEX". */
export function nameOf(placement: Placement): string {
  return placement.provider === 'cpu' ? 'cpu' : `cuda:${placement.device}`;
}
