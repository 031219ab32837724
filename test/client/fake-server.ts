import { Metadata, Server, ServerCredentials, status, type ServerWritableStream } from '@grpc/grpc-js';
import type { GetExpansionRequest__Output } from '../../src/gen/logah/v1/GetExpansionRequest';
import type { GetExpansionResponse } from '../../src/gen/logah/v1/GetExpansionResponse';
import type { GetTokenizerResponse } from '../../src/gen/logah/v1/GetTokenizerResponse';
import type { InspectTensorsRequest__Output } from '../../src/gen/logah/v1/InspectTensorsRequest';
import type { InspectTensorsResponse } from '../../src/gen/logah/v1/InspectTensorsResponse';
import type { ListModelsResponse } from '../../src/gen/logah/v1/ListModelsResponse';
import type { Plan } from '../../src/gen/logah/v1/Plan';
import type { LogahServiceHandlers } from '../../src/gen/logah/v1/LogahService';
import type { PredictRequest__Output } from '../../src/gen/logah/v1/PredictRequest';
import type { PredictResponse } from '../../src/gen/logah/v1/PredictResponse';
import { LogahService } from '../../src/contract/service-clients';
import { encodeStatusDetails, STATUS_DETAILS_KEY, type StatusDetails } from '../../src/contract/rpc-status';

export type PredictCall = ServerWritableStream<PredictRequest__Output, PredictResponse>;

/** A server on a port of its own that answers as the test says. */
export interface FakeServer {
  readonly address: string;
  readonly port: number;
  /** The requests that came to `Predict` and `Plan`, oldest first. */
  readonly requests: readonly PredictRequest__Output[];
  /** Safe to call twice. */
  stop(): void;
}

/** How to answer each call; what is not given answers UNIMPLEMENTED. */
export interface Answers {
  readonly predict?: (call: PredictCall) => void;
  readonly plan?: () => Plan;
  readonly expansion?: (
    call: ServerWritableStream<GetExpansionRequest__Output, GetExpansionResponse>,
  ) => void;
  readonly inspect?: (
    call: ServerWritableStream<InspectTensorsRequest__Output, InspectTensorsResponse>,
  ) => void;
  readonly listModels?: () => ListModelsResponse;
  readonly getTokenizer?: () => GetTokenizerResponse;
}

/** An error of the service for grpc-js, with google.rpc details, among them always an `ErrorInfo`. */
export function statusError(details: StatusDetails): Error {
  const metadata = new Metadata();
  const reason = details.reason ?? status[details.code];
  metadata.set(STATUS_DETAILS_KEY, encodeStatusDetails({ ...details, reason }));
  return Object.assign(new Error(details.message), {
    code: details.code,
    details: details.message,
    metadata,
  });
}

/** The error that a proxy makes of a server that it lost: a status, and nothing that says who means it. */
export function proxyError(code: status, message = 'lost the upstream'): Error {
  return Object.assign(new Error(message), { code, details: message });
}

export async function startFakeServer(answers: Answers): Promise<FakeServer> {
  const requests: PredictRequest__Output[] = [];
  const unimplemented = statusError({ code: status.UNIMPLEMENTED, message: 'not in this test' });
  const answer = <Response>(
    make: (() => Response) | undefined,
    send: (e: Error | null, r?: Response) => void,
  ) => {
    try {
      if (make) send(null, make());
      else send(unimplemented);
    } catch (error) {
      send(error as Error);
    }
  };
  const handlers: LogahServiceHandlers = {
    Predict: (call) => {
      requests.push(call.request);
      if (answers.predict) answers.predict(call);
      else endWithStatus(call, unimplemented);
    },
    Plan: ({ request }, callback) => {
      if (request.request) requests.push(request.request);
      answer(answers.plan && (() => ({ plan: answers.plan?.() ?? null })), callback);
    },
    GetExpansion: (call) => {
      if (answers.expansion) answers.expansion(call);
      else call.emit('error', unimplemented);
    },
    ListModels: (_, callback) => {
      answer(answers.listModels, callback);
    },
    GetTokenizer: (_, callback) => {
      answer(answers.getTokenizer, callback);
    },
    InspectTensors: (call) => {
      if (answers.inspect) answers.inspect(call);
      else call.emit('error', unimplemented);
    },
    GetActivity: (_, callback) => {
      answer(undefined, callback);
    },
  };
  const server = new Server();
  server.addService(LogahService.service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  let isStopped = false;
  return {
    address: `127.0.0.1:${port}`,
    port,
    requests,
    stop: () => {
      // The library listens for the end of its sockets again each time, and Node.js would suspect a leak.
      if (!isStopped) server.forceShutdown();
      isStopped = true;
    },
  };
}

/** Ends the stream with a status. (`destroy` would leave the call open.) */
export function endWithStatus(call: PredictCall, error: Error): void {
  call.emit('error', error);
}

/** Writes the messages and ends the stream. */
export function sendAll(call: PredictCall, messages: readonly PredictResponse[]): void {
  messages.forEach((message) => call.write(message));
  call.end();
}
