import { credentials, type ChannelCredentials, type ClientReadableStream } from '@grpc/grpc-js';
import type { GetExpansionResponse__Output } from '../gen/logah/v1/GetExpansionResponse';
import type { GetTokenizerResponse__Output } from '../gen/logah/v1/GetTokenizerResponse';
import type { ListModelsResponse__Output } from '../gen/logah/v1/ListModelsResponse';
import type { LogahServiceClient } from '../gen/logah/v1/LogahService';
import type { PlanResponse__Output } from '../gen/logah/v1/PlanResponse';
import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../gen/logah/v1/PredictResponse';
import type { Resume } from '../gen/logah/v1/Resume';
import { LogahService } from '../contract/proto-definition';
import { callOptions, throwIfAborted, unary, type CallSettings, type PredictSettings } from './call';
import { CHANNEL_OPTIONS } from './channel';
import { checkPlan, type CheckedPlan } from './checked-plan';
import { ExpansionCache, type ExpansionLayer } from './expansion';
import { predictionEvents, type PredictionEvent } from './prediction-events';
import { ProtocolError } from './protocol-error';
import { toRemoteError } from './remote-error';
import { resumingMessages } from './resuming-stream';

/** What the contract takes `chunk_bytes` 0 for. */
const DEFAULT_CHUNK_BYTES = 1024 * 1024;

/** How to connect. */
export interface ConnectOptions {
  /** How the connection is secured and who calls (grpc-js `credentials`). Default: plain text, anonymous. */
  readonly credentials?: ChannelCredentials;
  /** Where expansions are kept over the life of this client; it is made at need. Default: in memory alone. */
  readonly cacheDirectory?: string;
}

/** A connection to a server. Open one and share it: calls run at the same time over it. */
export interface LogahClient {
  /** The address as given to `connect`. */
  readonly target: string;
  /**
   * Predicts the parameters of an architecture. Iterate to the end: only the summary, the last event, says that all
   * data was right. Leaving the loop early cancels the call. A stream that breaks off because the server cannot be
   * reached goes on where it stopped.
   *
   * Throws RemoteError (the server's status), ProtocolError (an answer that contradicts the contract) or a LogahError
   * of kind "cancelled" (the signal).
   */
  readonly predict: (
    request: PredictRequest,
    settings?: PredictSettings,
  ) => AsyncGenerator<PredictionEvent, void, undefined>;
  /** The plan that `predict` would begin with. Throws like `predict`. */
  readonly plan: (request: PredictRequest, settings?: CallSettings) => Promise<CheckedPlan>;
  /** The models of the server. Throws RemoteError. */
  readonly listModels: (settings?: CallSettings) => Promise<ListModelsResponse__Output>;
  /**
   * The expansion that a plan names: kept, or fetched. Throws like `predict`; a plan without one is a ProtocolError. For
   * `predictDense`.
   */
  readonly expansion: (plan: CheckedPlan, settings?: CallSettings) => Promise<ExpansionLayer>;
  /**
   * The tokenizer of a model (`CheckedPlan.hasTokenizer`): the content of each file by its name. Throws RemoteError, or
   * ProtocolError for a name that is no tokenizer's.
   */
  readonly tokenizer: (model: string, settings?: CallSettings) => Promise<ReadonlyMap<string, Buffer>>;
  /** Closes the connection; open calls run to their end. */
  readonly close: () => void;
}

/** Connects to `target` ("host:port" or another gRPC target) at the first call. */
export function connect(target: string, options: ConnectOptions = {}): LogahClient {
  const stub = new LogahService(target, options.credentials ?? credentials.createInsecure(), CHANNEL_OPTIONS);
  const expansions = new ExpansionCache(options.cacheDirectory);
  return {
    target,
    expansion: (plan, settings = {}) => expansionOf(stub, target, expansions, plan, settings),
    predict: (request, settings = {}) => predict(stub, target, request, settings),
    plan: async (request, settings = {}) => {
      const response = await unary<PlanResponse__Output>(
        target,
        (options, callback) => stub.Plan({ request }, options, callback),
        settings,
      );
      return checkPlan(response.plan, request);
    },
    listModels: (settings = {}) =>
      unary<ListModelsResponse__Output>(
        target,
        (options, callback) => stub.ListModels({}, options, callback),
        settings,
      ),
    tokenizer: async (model, settings = {}) => {
      const { files } = await unary<GetTokenizerResponse__Output>(
        target,
        (options, callback) => stub.GetTokenizer({ model }, options, callback),
        settings,
      );
      return new Map(files.map(({ name, data }) => [checkedName(name), data]));
    },
    close: () => {
      stub.close();
    },
  };
}

/** A name becomes a file of the caller's, so it must be one of a tokenizer and hold no path. */
function checkedName(name: string): string {
  if (/^tokenizer[a-z_]*\.json$/.test(name)) return name;
  throw new ProtocolError('tokenizer: file name', JSON.stringify(name), 'one such as tokenizer.json');
}

async function* predict(
  stub: LogahServiceClient,
  target: string,
  request: PredictRequest,
  settings: PredictSettings,
): AsyncGenerator<PredictionEvent, void, undefined> {
  const { signal, part } = settings;
  const { chunkBytes = 0, sha256 = false, copies, lift } = request;
  throwIfAborted(signal);
  // One deadline for all attempts together.
  const options = callOptions(settings);
  const open = (resume: Resume | undefined): AsyncIterable<PredictResponse__Output> =>
    streamOf(stub.Predict(resume === undefined ? request : { ...request, resume }, options), target, signal);
  const { messages, resumedAt } = resumingMessages(open, signal, part);
  const limits = {
    chunkBytes: chunkBytes === 0 ? DEFAULT_CHUNK_BYTES : chunkBytes,
    sha256,
    copies,
    lift,
    part,
  };
  try {
    yield* predictionEvents(messages, limits, resumedAt);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

async function expansionOf(
  stub: LogahServiceClient,
  target: string,
  expansions: ExpansionCache,
  plan: CheckedPlan,
  settings: CallSettings,
): Promise<ExpansionLayer> {
  const { expansion, model } = plan;
  if (expansion === null)
    throw new ProtocolError('plan.expansion', 'missing', 'present where there are cores');
  const { signal } = settings;
  async function* fetch(): AsyncGenerator<Uint8Array, void, undefined> {
    const call = stub.GetExpansion({ model, sha256: expansion?.sha256 ?? '' }, callOptions(settings));
    for await (const { data } of streamOf<GetExpansionResponse__Output>(call, target, signal)) yield data;
  }
  try {
    return await expansions.get(expansion, fetch);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

/** The messages of one call; leaving the loop early cancels it. Rejects with RemoteError. */
async function* streamOf<Response>(
  call: ClientReadableStream<Response>,
  target: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Response, void, undefined> {
  // An error after the loop has ended (the cancellation below) is nobody's concern.
  call.on('error', () => undefined);
  const cancel = (): void => {
    call.cancel();
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of call) yield message as Response;
  } catch (error) {
    throw toRemoteError(target, error);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}
