/** The contract as a browser can speak it (Connect, gRPC-Web): every call goes on to the service, as gRPC. */

import {
  ConnectError,
  createClient,
  type Client,
  type ConnectRouter,
  type HandlerContext,
} from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { LogahService } from '../gen/es/logah/v1/logah_pb';

/** Of a call, what the service gets to see: who asks, and under which name. */
const PASSED_HEADERS = ['authorization', 'x-request-id'];

/** The service behind the bridge. */
export interface BridgeTarget {
  /** "host:port" of the gRPC service. */
  readonly address: string;
  /** Bearer token for callers that bring none. */
  readonly token?: string | undefined;
}

/** Routes of every RPC. */
export function bridgeRoutes({ address, token }: BridgeTarget): (router: ConnectRouter) => void {
  const client = createClient(LogahService, createGrpcTransport({ baseUrl: `http://${address}` }));
  return (router) => {
    router.service(LogahService, {
      plan: (request, context) => passOn(context, token, (options) => client.plan(request, options)),
      listModels: (request, context) =>
        passOn(context, token, (options) => client.listModels(request, options)),
      getTokenizer: (request, context) =>
        passOn(context, token, (options) => client.getTokenizer(request, options)),
      predict: (request, context) =>
        passOnStream(context, token, (options) => client.predict(request, options)),
      getExpansion: (request, context) =>
        passOnStream(context, token, (options) => client.getExpansion(request, options)),
      inspectTensors: (request, context) =>
        passOnStream(context, token, (options) => client.inspectTensors(request, options)),
    });
  };
}

type CallOptions = NonNullable<Parameters<Client<typeof LogahService>['plan']>[1]>;

async function passOn<Response>(
  context: HandlerContext,
  token: string | undefined,
  call: (options: CallOptions) => Promise<Response>,
): Promise<Response> {
  try {
    return await call(optionsOf(context, token));
  } catch (error) {
    throw asOwnError(error);
  }
}

async function* passOnStream<Response>(
  context: HandlerContext,
  token: string | undefined,
  call: (options: CallOptions) => AsyncIterable<Response>,
): AsyncGenerator<Response, void, undefined> {
  try {
    yield* call(optionsOf(context, token));
  } catch (error) {
    throw asOwnError(error);
  }
}

function optionsOf(context: HandlerContext, token: string | undefined): CallOptions {
  const headers = new Headers();
  for (const name of PASSED_HEADERS) {
    const value = context.requestHeader.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (token !== undefined && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  const timeoutMs = context.timeoutMs();
  return {
    headers,
    signal: context.signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
    onHeader: (received) => {
      const id = received.get('x-request-id');
      if (id !== null) context.responseHeader.set('x-request-id', id);
    },
  };
}

/** The service's status with its details; what else came with it is of a connection that is not the caller's. */
function asOwnError(error: unknown): ConnectError {
  const from = ConnectError.from(error);
  const own = new ConnectError(from.rawMessage, from.code);
  own.details = from.details;
  return own;
}
