/** Admits and accounts for every call of every RPC, from its headers to the end of its HTTP/2 stream. */

import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LOAD_REPORT_KEY } from '../../contract/load-report';
import { LogahError } from '../../errors';
import { loggable } from '../../untrusted-text';
import type { Admission } from './admission';
import { FREE_BYTES, onArrival, type Arrived } from './arrivals';
import type { Lease } from './budget';
import { anonymous, type Caller } from '../security/caller';
import { refusalLabel } from '../security/events';
import type { Gate } from '../security/gate';
import { countMessages, framePassing } from '../answers/framing';
import { http2StreamOf } from '../answers/grpc-internals';
import { boundDecompression } from './decompression';
import { PREFIX_BYTES } from './message-count';
import type { Readers } from './readers';
import { CallRecord } from '../telemetry/call-record';
import type { Load } from '../telemetry/load';
import type { Telemetry } from '../telemetry/telemetry';
import { traceContextOf } from '../telemetry/trace-context';
import { chooseRequestId } from '../request-id';
import { statusCode, toServiceError } from '../status';

/** Of a request to an RPC that takes only names. */
const SMALL_REQUEST_BYTES = 4096;

/** Of all requests of one call that streams them, which ask for names as well. */
const STREAMED_REQUEST_BYTES = 2 ** 20;

/** Of one call that streams them: nobody asks for as many names. */
const STREAMED_REQUESTS = 256;

/** The header that the server's version is told in. */
export const VERSION = 'x-logah-version';

/** How calls are admitted. */
export interface CallRules {
  readonly admission: Admission;
  /** Paths of RPCs with requests of up to `maxRequestBytes`. */
  readonly largeRequests: ReadonlySet<string>;
  readonly maxRequestBytes: number;
  /** Paths of RPCs that are answered at once from memory, and always: probes of liveness. */
  readonly exempt: ReadonlySet<string>;
  /** How long a request may take to arrive, in milliseconds. */
  readonly stallMs: number;
  readonly readers: Readers;
  readonly gate: Gate;
  /** Of the package, which calls that are let in are told; empty: they are not. */
  readonly version: string;
  readonly telemetry: Telemetry;
  /** What balancers are told at the end of a call that was let in. */
  readonly load: Load;
  readonly logger: Logger;
}

/** What one call holds. All of it is released when its HTTP/2 stream closes. */
export class CallAccount {
  /** Known by its address until it has said who it is. */
  caller: Caller;
  /** Names the call in the log and to its caller. */
  requestId = chooseRequestId(undefined);
  /** The trace that the call belongs to, where there is one. */
  traceId: string | undefined;
  /** When its caller wants no more of it, in milliseconds since 1970. */
  deadline = Infinity;
  /** What is told of the call when it has ended. */
  readonly record: CallRecord;
  readonly #leases = new Set<Lease>();
  #request: Lease | undefined;
  #closed = false;

  constructor(caller: Caller, record = new CallRecord('')) {
    this.caller = caller;
    this.record = record;
  }

  /** Keeps a lease until the call has ended. */
  hold(lease: Lease): Lease {
    if (this.#closed) lease.release();
    else this.#leases.add(lease);
    return lease;
  }

  /** Keeps what the request takes until `requestDone`, or until the call has ended. */
  holdRequest(lease: Lease): Lease {
    this.#request = lease;
    return this.hold(lease);
  }

  /** The request is of no use any more. */
  requestDone(): void {
    this.#request?.release();
  }

  /** Calls `done` when the call has ended. */
  onClose(done: () => void): void {
    this.hold({ amount: 0, resize: () => undefined, release: done });
  }

  /** Releases everything. */
  close(): void {
    this.#closed = true;
    for (const lease of this.#leases) lease.release();
    this.#leases.clear();
  }
}

const accounts = new WeakMap<Metadata, CallAccount>();

/** The account of a call, by the metadata that it came with. */
export function accountOf(call: { readonly metadata: Metadata }): CallAccount {
  return accounts.get(call.metadata) ?? new CallAccount(anonymous(''));
}

/** Who opened a stream: the address of the connection, without the port. */
function addressOf(stream: ServerHttp2Stream | undefined): string {
  return stream?.session?.socket.remoteAddress ?? '';
}

/** The interceptor that accounts; must be the first. */
export function accountCalls(rules: CallRules): ServerInterceptor {
  return (method, call) => {
    framePassing(call);
    const stream = http2StreamOf(call);
    const address = addressOf(stream);
    const account = new CallAccount(anonymous(address), rules.telemetry.begin(method.path));
    observe(call, account.record);
    const log = (message: string, fields: object): void => {
      const name = method.path.slice(method.path.lastIndexOf('/') + 1);
      rules.logger.info({ ...namesOf(account), method: name, peer: call.getPeer(), ...fields }, message);
    };
    const refuse = (error: unknown): void => {
      if (error instanceof LogahError) {
        rules.telemetry.metrics.callRefused(refusalLabel(error));
        log('refused', { code: statusCode(error.kind), reason: loggable(error.message) });
      } else rules.logger.error({ requestId: account.requestId, err: error }, 'failed');
      const { code, details, metadata: trailers } = toServiceError(error, account.requestId);
      call.sendStatus({ code, details, metadata: trailers });
      // Otherwise the caller may go on sending what nobody reads.
      // A reset that is not behind the status on the wire would take its place.
      if (stream?.state.state !== constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE) {
        setImmediate(() => stream?.close(constants.NGHTTP2_NO_ERROR));
      }
    };
    const refused = attempt(() => {
      if (!rules.exempt.has(method.path)) account.hold(rules.admission.calls.take(account.caller));
    });
    let isIn = false;
    const peer = call.getPeer();
    stream?.once('close', () => {
      account.close();
      const { record, requestId, caller, traceId } = account;
      rules.telemetry.end(record, { requestId, caller: caller.name, peer }, traceId);
    });
    if (stream !== undefined && refused !== undefined) leaveUnread(stream);
    if (stream !== undefined && refused === undefined) {
      const receipt = new Receipt(stream, account, method, rules, refuse);
      boundDecompression(call, stream, {
        limit: receipt.limit,
        caller: () => account.caller.identity,
        onDecompressed: (bytes) => {
          receipt.decompressed(bytes);
        },
      });
      rules.readers.watch(call, stream, (ms) => {
        const reason = `the reader took nothing for ${Math.round(ms / 1000)} s (--stall-seconds)`;
        log('stalled', { reason });
      });
    }
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata: (received, proceed) => {
            account.requestId = chooseRequestId(received);
            account.deadline = Number(call.getDeadline());
            account.record.trace = traceContextOf(
              received.get('traceparent')[0],
              received.get('tracestate')[0],
            );
            account.traceId = rules.telemetry.trace(account.record);
            accounts.set(received, account);
            if (refused !== undefined) {
              refuse(refused);
              return;
            }
            const enter = (caller: Caller): void => {
              account.caller = caller;
              isIn = !rules.gate.isOpen(method.path);
              proceed(received);
            };
            try {
              const caller = rules.gate.admit(method.path, received, stream, address);
              if (caller instanceof Promise) caller.then(enter).catch(refuse);
              else enter(caller);
            } catch (error) {
              refuse(error);
            }
          },
          onReceiveMessage: (message, proceed) => {
            // Counted with their prefixes as they arrived.
            account.record.receivedBytes -= PREFIX_BYTES;
            proceed(message);
          },
          onReceiveHalfClose: (proceed) => {
            proceed();
          },
          onCancel: () => undefined,
        });
      },
      sendMetadata: (sent, next) => {
        if (rules.version !== '' && !rules.gate.isOpen(method.path)) sent.set(VERSION, rules.version);
        next(sent);
      },
      sendMessage: (message, next) => {
        next(message);
      },
      sendStatus: (status, next) => {
        if (isIn) {
          status.metadata ??= new Metadata();
          status.metadata.set(LOAD_REPORT_KEY, rules.load.ended(status.code));
        }
        next(status);
      },
    });
  };
}

/** What the lines of a call have in common. */
export function namesOf({ requestId, traceId, caller }: CallAccount): Readonly<Record<string, string>> {
  return {
    requestId,
    ...(traceId !== undefined && { traceId }),
    ...(caller.name !== '' && { caller: caller.name }),
  };
}

/** Notes the bytes of what is sent, and the status, which grpc-js itself may choose. */
function observe(call: ServerInterceptingCallInterface, record: CallRecord): void {
  countMessages(call, (bytes) => {
    record.sentBytes += bytes;
  });
  const end = call.sendStatus.bind(call);
  call.sendStatus = (sent) => {
    record.status ??= sent.code;
    end(sent);
  };
}

/** The arrival of a call's request: bounded in bytes and time, and counted. */
class Receipt {
  readonly limit: number;
  readonly #account: CallAccount;
  readonly #rules: CallRules;
  readonly #refuse: (error: LogahError) => void;
  #lease: Lease | undefined;
  #received = 0;
  #messages = 0;
  /** Of what has been received. */
  #memory = 0;
  #inflated = 0;
  #isRefused = false;

  constructor(
    stream: ServerHttp2Stream,
    account: CallAccount,
    method: { readonly path: string; readonly requestStream: boolean },
    rules: CallRules,
    refuse: (error: LogahError) => void,
  ) {
    const { path, requestStream } = method;
    this.limit = rules.largeRequests.has(path) ? rules.maxRequestBytes : SMALL_REQUEST_BYTES;
    this.#account = account;
    this.#rules = rules;
    this.#refuse = (error) => {
      if (!this.#isRefused) refuse(error);
      this.#isRefused = true;
    };
    const most = requestStream ? STREAMED_REQUEST_BYTES : this.limit;
    const mostMessages = requestStream ? STREAMED_REQUESTS : 1;
    const timer = setTimeout(() => {
      this.#refuse(
        new LogahError('deadline_exceeded', `the request did not arrive within ${rules.stallMs / 1000} s`),
      );
    }, rules.stallMs);
    const settle = (): void => {
      clearTimeout(timer);
    };
    stream.once('end', settle).once('close', settle);
    const arrived = ({ bytes, memory, messages }: Arrived): boolean => {
      if (requestStream) timer.refresh();
      this.#received += bytes;
      this.#memory += memory;
      this.#messages += messages;
      account.record.receivedBytes += bytes;
      if (this.#messages > mostMessages) this.#refuse(tooMany(mostMessages));
      else if (this.#received > most + PREFIX_BYTES) this.#refuse(tooLarge(path, most, rules));
      else this.#count();
      return !this.#isRefused;
    };
    const before = onArrival(stream, arrived);
    // A call is not answered while it is made.
    if (before.bytes > 0) {
      if (before.bytes > most + PREFIX_BYTES || before.messages > mostMessages) leaveUnread(stream);
      process.nextTick(() => {
        arrived(before);
      });
    }
  }

  /** Counts what a compressed request came to. */
  decompressed(bytes: number): void {
    this.#inflated += bytes;
    this.#count();
  }

  #count(): void {
    const bytes = this.#memory + this.#inflated;
    if (bytes <= FREE_BYTES || this.#isRefused) return;
    const error = attempt(() => {
      if (this.#lease === undefined) {
        const { requestBytes } = this.#rules.admission;
        this.#lease = this.#account.holdRequest(requestBytes.take(this.#account.caller, bytes));
      } else {
        this.#lease.resize(bytes);
      }
    });
    if (error !== undefined) this.#refuse(error);
  }
}

/** Nobody takes messages out of what is refused: each five bytes of it can be one. */
function leaveUnread(stream: ServerHttp2Stream): void {
  stream.removeAllListeners('data');
}

function tooMany(most: number): LogahError {
  const messages = most === 1 ? 'one message' : `${most} messages`;
  return new LogahError('invalid_argument', `the request is more than ${messages}, the most for this method`);
}

function tooLarge(path: string, most: number, { largeRequests }: CallRules): LogahError {
  const setting = largeRequests.has(path) ? '--max-request-bytes' : 'a request to this method';
  return new LogahError(
    'resource_exhausted',
    `the request is larger than ${most} bytes, the most for ${setting}`,
  );
}

function attempt(act: () => void): LogahError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof LogahError) return error;
    throw error;
  }
}
