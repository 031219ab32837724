/** The contract as a browser can speak it (Connect, gRPC-Web): every call goes on to the service, as gRPC. */

import {
  Code,
  ConnectError,
  createClient,
  type Client,
  type ConnectRouter,
  type HandlerContext,
} from '@connectrpc/connect';
import { LogahService } from '../gen/es/logah/v1/logah_pb';
import { isPrivate, serviceTransport, type ServiceAddress } from './service-transport';

/** Of a call, what the service gets to see: who asks, and under which name. */
const PASSED_HEADERS = ['authorization', 'x-request-id'];

/** The service behind the bridge. */
export interface BridgeTarget extends ServiceAddress {
  /** Bearer token for callers that bring none. */
  readonly token?: (() => string) | undefined;
  /** Whether the service asks callers who they are. */
  readonly isGuarded?: boolean | undefined;
}

/**
 * Routes of every RPC. `isShared`: visitors come from other machines. The service sees all of them on this one, and would
 * show them what it shows to those who run it; where it does not ask who they are, they get none of that.
 */
export function bridgeRoutes(target: BridgeTarget, isShared: boolean): (router: ConnectRouter) => void {
  const { token, isGuarded = false } = target;
  const isWatchable = !isShared || (isGuarded && token === undefined);
  const client = createClient(LogahService, serviceTransport(target));
  const optionsOf = (context: HandlerContext): CallOptions => callOptions(context, target);
  return (router) => {
    router.service(LogahService, {
      plan: (request, context) => passOn(optionsOf, context, (options) => client.plan(request, options)),
      listModels: (request, context) =>
        passOn(optionsOf, context, (options) => client.listModels(request, options)),
      getTokenizer: (request, context) =>
        passOn(optionsOf, context, (options) => client.getTokenizer(request, options)),
      predict: (request, context) =>
        passOnStream(optionsOf, context, (options) => client.predict(request, options)),
      getExpansion: (request, context) =>
        passOnStream(optionsOf, context, (options) => client.getExpansion(request, options)),
      getActivity: (request, context) => {
        if (!isWatchable)
          throw new ConnectError(
            'what others do is not shown to visitors of this page',
            Code.PermissionDenied,
          );
        return passOn(optionsOf, context, (options) => client.getActivity(request, options));
      },
      inspectTensors: (request, context) =>
        passOnStream(optionsOf, context, (options) => client.inspectTensors(request, options)),
    });
  };
}

type CallOptions = NonNullable<Parameters<Client<typeof LogahService>['plan']>[1]>;

async function passOn<Response>(
  optionsOf: (context: HandlerContext) => CallOptions,
  context: HandlerContext,
  call: (options: CallOptions) => Promise<Response>,
): Promise<Response> {
  try {
    return await call(optionsOf(context));
  } catch (error) {
    throw asOwnError(error);
  }
}

async function* passOnStream<Response>(
  optionsOf: (context: HandlerContext) => CallOptions,
  context: HandlerContext,
  call: (options: CallOptions) => AsyncIterable<Response>,
): AsyncGenerator<Response, void, undefined> {
  try {
    yield* call(optionsOf(context));
  } catch (error) {
    throw asOwnError(error);
  }
}

function callOptions(context: HandlerContext, target: BridgeTarget): CallOptions {
  const headers = new Headers();
  for (const name of PASSED_HEADERS) {
    const value = context.requestHeader.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (target.token !== undefined && !headers.has('authorization'))
    headers.set('authorization', `Bearer ${target.token()}`);
  if (headers.has('authorization') && !isPrivate(target)) {
    throw new ConnectError(
      `a token is not sent to ${target.address} in plain text, which others could read: start logah explore with --tls or --ca`,
      Code.FailedPrecondition,
    );
  }
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

/**
 * The service's status with its details; what else came with it is of a connection that is not the caller's. A connection that
 * fails, such as to a certificate that is not trusted, is no status of the service's.
 */
function asOwnError(error: unknown): ConnectError {
  const from = ConnectError.from(error);
  const reason = connectionFault(from);
  if (reason !== undefined) return new ConnectError(reason, Code.Unavailable);
  const own = new ConnectError(from.rawMessage, from.code);
  own.details = from.details;
  return own;
}

/** What is wrong with the connection, by the error of Node.js that lies below; undefined where the service answered. */
function connectionFault({ code, cause, rawMessage }: ConnectError): string | undefined {
  if (code !== Code.Internal || !(cause instanceof Error) || !('code' in cause)) return undefined;
  const isCertificate = /CERT|UNABLE_TO_VERIFY/.test(String(cause.code));
  return isCertificate
    ? `the certificate of the service is not trusted (${rawMessage}): start logah explore with --ca`
    : rawMessage;
}
