/** Every RPC of a server, called in the same way. */

import { dirname, join } from 'node:path';
import { Client, Metadata, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { AdminService, LogahService } from '../../src/contract/service-clients';
import { decodeStatusDetails, STATUS_DETAILS_KEY } from '../../src/contract/rpc-status';
import { SMALL } from './requests';

/** An RPC with a request that is in order. */
export interface AnyRpc {
  readonly path: string;
  readonly request: Buffer;
}

/** How a call went. */
export interface AnyEnding {
  readonly code: status;
  readonly details: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly info: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  /** Of messages. */
  readonly bytes: number;
  readonly messages: readonly Buffer[];
  readonly headers: Metadata | undefined;
}

/** The RPCs that need authority, by name: all that the services have, those of the future included. */
export function guardedRpcs(model: string): Readonly<Record<string, AnyRpc>> {
  const { Predict, Plan, InspectTensors, GetExpansion, GetTokenizer } = LogahService.service;
  const requests: Readonly<Record<string, Buffer>> = {
    Predict: Predict.requestSerialize({ ...SMALL, model }),
    Plan: Plan.requestSerialize({ request: { ...SMALL, model } }),
    InspectTensors: InspectTensors.requestSerialize({
      request: { ...SMALL, model, selection: { patterns: ['*'] } },
    }),
    GetExpansion: GetExpansion.requestSerialize({ model, sha256: '' }),
    GetTokenizer: GetTokenizer.requestSerialize({ model }),
  };
  const rpcs = Object.entries({ ...LogahService.service, ...AdminService.service });
  const ours = rpcs.map(([name, { path }]) => [name, { path, request: requests[name] ?? Buffer.alloc(0) }]);
  const reflected = ['v1', 'v1alpha'].map((version) => [`reflection ${version}`, reflectionRpc(version)]);
  return Object.fromEntries([...ours, ...reflected]) as Readonly<Record<string, AnyRpc>>;
}

/** The RPC that answers everybody. */
export function healthRpc(): AnyRpc {
  const { Check } = healthService;
  if (Check === undefined) throw new Error('grpc.health.v1.Health has no method Check');
  return { path: Check.path, request: Check.requestSerialize({ service: '' }) };
}

function reflectionRpc(version: string): AnyRpc {
  const includeDirs = [join(dirname(require.resolve('@grpc/reflection/package.json')), 'build', 'proto')];
  const definition = loadSync(`grpc/reflection/${version}/reflection.proto`, { includeDirs });
  const service = definition[`grpc.reflection.${version}.ServerReflection`] as unknown as {
    ServerReflectionInfo: { path: string; requestSerialize: (request: object) => Buffer };
  };
  const { path, requestSerialize } = service.ServerReflectionInfo;
  return { path, request: requestSerialize({ listServices: '' }) };
}

/** Calls until the end. */
export async function callAny(
  address: string,
  channel: ChannelCredentials,
  { path, request }: AnyRpc,
  authorization?: string,
): Promise<AnyEnding> {
  const client = new Client(address, channel);
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const asItIs = (bytes: Buffer): Buffer => bytes;
  const messages: Buffer[] = [];
  let headers: Metadata | undefined;
  try {
    const call = client.makeServerStreamRequest(path, asItIs, asItIs, request, metadata, {
      deadline: Date.now() + 30_000,
    });
    call.on('data', (message: Buffer) => messages.push(message));
    call.on('metadata', (received: Metadata) => (headers = received));
    const failure = await new Promise<ServiceError | undefined>((resolve) => {
      call.once('end', () => {
        resolve(undefined);
      });
      call.once('error', (error: ServiceError) => {
        resolve(error);
      });
    });
    const trailer = failure?.metadata.get(STATUS_DETAILS_KEY)[0];
    const known = Buffer.isBuffer(trailer) ? decodeStatusDetails(trailer) : undefined;
    return {
      code: failure?.code ?? status.OK,
      details: failure?.details ?? '',
      reason: known?.reason,
      domain: known?.domain,
      info: known?.metadata ?? {},
      retryAfterMs: known?.retryAfterMs,
      bytes: messages.reduce((sum, { length }) => sum + length, 0),
      messages,
      headers,
    };
  } finally {
    client.close();
  }
}
