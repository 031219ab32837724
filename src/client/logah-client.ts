import { credentials, type ChannelCredentials, type ClientReadableStream } from '@grpc/grpc-js';
import type { ListModelsResponse__Output } from '../gen/logah/v1/ListModelsResponse';
import type { LogahServiceClient } from '../gen/logah/v1/LogahService';
import type { PlanResponse__Output } from '../gen/logah/v1/PlanResponse';
import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../gen/logah/v1/PredictResponse';
import { LogahService } from '../proto-definition';
import { callOptions, throwIfAborted, unary, type CallSettings } from './call';
import { CHANNEL_OPTIONS } from './channel';
import { checkPlan, type CheckedPlan } from './checked-plan';
import { predictionEvents, type PredictionEvent } from './prediction-events';
import { toRemoteError } from './remote-error';

/** What the contract takes `chunk_bytes` 0 for. */
const DEFAULT_CHUNK_BYTES = 1024 * 1024;

/** How to connect. */
export interface ConnectOptions {
  /** How the connection is secured and who calls (grpc-js `credentials`). Default: plain text, anonymous. */
  readonly credentials?: ChannelCredentials;
}

/** A connection to a server. Open one and share it: calls run at the same time over it. */
export interface LogahClient {
  /** The address as given to `connect`. */
  readonly target: string;
  /**
   * Predicts the parameters of an architecture. Iterate to the end: only the summary, the last event, says that all
   * data was right. Leaving the loop early cancels the call.
   *
   * Throws RemoteError (the server's status), ProtocolError (an answer that contradicts the contract) or a LogahError
   * of kind "cancelled" (the signal).
   */
  readonly predict: (
    request: PredictRequest,
    settings?: CallSettings,
  ) => AsyncGenerator<PredictionEvent, void, undefined>;
  /** The plan that `predict` would begin with. Throws like `predict`. */
  readonly plan: (request: PredictRequest, settings?: CallSettings) => Promise<CheckedPlan>;
  /** The models of the server. Throws RemoteError. */
  readonly listModels: (settings?: CallSettings) => Promise<ListModelsResponse__Output>;
  /** Closes the connection; open calls run to their end. */
  readonly close: () => void;
}

/** Connects to `target` ("host:port" or another gRPC target) at the first call. */
export function connect(target: string, options: ConnectOptions = {}): LogahClient {
  const stub = new LogahService(target, options.credentials ?? credentials.createInsecure(), CHANNEL_OPTIONS);
  return {
    target,
    predict: (request, settings = {}) => predict(stub, target, request, settings),
    plan: async (request, settings = {}) => {
      const response = await unary<PlanResponse__Output>(
        target,
        (options, callback) => stub.Plan({ request }, options, callback),
        settings,
      );
      return checkPlan(response.plan);
    },
    listModels: (settings = {}) =>
      unary<ListModelsResponse__Output>(
        target,
        (options, callback) => stub.ListModels({}, options, callback),
        settings,
      ),
    close: () => {
      stub.close();
    },
  };
}

async function* predict(
  stub: LogahServiceClient,
  target: string,
  request: PredictRequest,
  settings: CallSettings,
): AsyncGenerator<PredictionEvent, void, undefined> {
  const { signal } = settings;
  const { chunkBytes = 0, sha256 = false } = request;
  throwIfAborted(signal);
  const call: ClientReadableStream<PredictResponse__Output> = stub.Predict(request, callOptions(settings));
  // An error after the loop has ended (the cancellation below) is nobody's concern.
  call.on('error', () => undefined);
  const cancel = (): void => {
    call.cancel();
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    yield* predictionEvents(call, {
      chunkBytes: chunkBytes === 0 ? DEFAULT_CHUNK_BYTES : chunkBytes,
      sha256,
    });
  } catch (error) {
    throwIfAborted(signal);
    throw toRemoteError(target, error);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}
