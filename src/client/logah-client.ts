import type { GetTokenizerResponse__Output } from '../gen/logah/v1/GetTokenizerResponse';
import type { InspectTensorsRequest } from '../gen/logah/v1/InspectTensorsRequest';
import type { ListModelsResponse__Output } from '../gen/logah/v1/ListModelsResponse';
import type { PlanResponse__Output } from '../gen/logah/v1/PlanResponse';
import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../gen/logah/v1/PredictResponse';
import type { Resume } from '../gen/logah/v1/Resume';
import type { TensorInspection__Output } from '../gen/logah/v1/TensorInspection';
import { Attempts, type Persistence } from './link/attempts';
import { deadlineOf, streamOf, throwIfAborted, type CallSettings, type PredictSettings } from './link/call';
import { checkPlan, type CheckedPlan } from './checked-plan';
import { expansionBytes } from './expansion/core-blocks';
import { ExpansionCache, type ExpansionLayer } from './expansion/expansion';
import { expansionParts } from './expansion/expansion-parts';
import { inspections } from './inspections';
import { answerOf, callOptions, limitsOf, type Link } from './link/link';
import { predictionEvents, type PredictionEvent } from './prediction-events';
import { ProtocolError } from './protocol-error';
import type { Security } from './link/security';
import { Replicas, type Replica } from './link/replicas';
import { resumingMessages } from './link/resuming-stream';

/** What the contract takes `chunk_bytes` 0 for. */
const DEFAULT_CHUNK_BYTES = 1024 * 1024;

/** How to connect. */
export interface ConnectOptions extends Persistence, Security {
  /** Where expansions are kept over the life of this client; it is made at need. Default: in memory alone. */
  readonly cacheDirectory?: string;
}

/**
 * A connection to a server, or to several that hold the same models. Open one and share it: calls run at the same time
 * over it. A call that fails because a server is away, or lost behind a proxy, is made again (`Persistence`).
 */
export interface LogahClient {
  /** The address of the server that is asked now, as given to `connect`. */
  readonly target: string;
  /**
   * Predicts the parameters of an architecture. Iterate to the end: only the summary, the last event, says that all
   * data was right. Leaving the loop early cancels the call. A stream that breaks off goes on where it stopped, at the
   * same server or the next.
   *
   * Throws RemoteError (the server's status), ProtocolError (an answer that contradicts the contract) or a LogahError
   * of kind "cancelled" (the signal).
   */
  readonly predict: (
    request: PredictRequest,
    settings?: PredictSettings,
  ) => AsyncGenerator<PredictionEvent, void, undefined>;
  /**
   * What tensors look like, which are not sent for it: statistics, histograms, reduced pictures and singular values, in the
   * plan's order. Throws like `predict`.
   */
  readonly inspect: (
    request: InspectTensorsRequest,
    settings?: CallSettings,
  ) => AsyncGenerator<TensorInspection__Output, void, undefined>;
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

/**
 * Connects to `target` ("host:port" or another gRPC target) at the first call. Of several, the first is asked until it
 * fails, then the next, in turn. Throws LogahError (invalid_argument) for a token that would leave this machine in plain
 * text, and for files of TLS that are none.
 */
export function connect(
  target: string | readonly [string, ...string[]],
  options: ConnectOptions = {},
): LogahClient {
  const targets: readonly [string, ...string[]] = typeof target === 'string' ? [target] : target;
  const replicas = new Replicas(targets, options);
  const link: Link = { replicas, persistence: options };
  const expansions = new ExpansionCache(options.cacheDirectory);
  return {
    get target() {
      return replicas.current.target;
    },
    expansion: (plan, settings = {}) => expansionOf(link, expansions, plan, settings),
    predict: (request, settings = {}) => predict(link, request, settings),
    inspect: (request, settings = {}) => inspections(link, request, settings),
    plan: async (request, settings = {}) => {
      const response = await answerOf<PlanResponse__Output>(link, settings, ({ stub }, options, callback) =>
        stub.Plan({ request }, options, callback),
      );
      return checkPlan(response.plan, request);
    },
    listModels: (settings = {}) =>
      answerOf<ListModelsResponse__Output>(link, settings, ({ stub }, options, callback) =>
        stub.ListModels({}, options, callback),
      ),
    tokenizer: async (model, settings = {}) => {
      const { files } = await answerOf<GetTokenizerResponse__Output>(
        link,
        settings,
        ({ stub }, options, callback) => stub.GetTokenizer({ model }, options, callback),
      );
      return new Map(files.map(({ name, data }) => [checkedName(name), data]));
    },
    close: () => {
      replicas.close();
    },
  };
}

/** A name becomes a file of the caller's, so it must be one of a tokenizer and hold no path. */
function checkedName(name: string): string {
  if (/^tokenizer[a-z_]*\.json$/.test(name)) return name;
  throw new ProtocolError('tokenizer: file name', JSON.stringify(name), 'one such as tokenizer.json');
}

async function* predict(
  { replicas, persistence }: Link,
  request: PredictRequest,
  settings: PredictSettings,
): AsyncGenerator<PredictionEvent, void, undefined> {
  const { signal, part } = settings;
  const { chunkBytes = 0, sha256 = false, copies, lift, strength, base } = request;
  throwIfAborted(signal);
  // One deadline for all attempts together.
  const deadline = deadlineOf(settings);
  const attempts = new Attempts(replicas, persistence, signal, deadline);
  const open = (replica: Replica, resume: Resume | undefined): AsyncIterable<PredictResponse__Output> =>
    streamOf(
      replica.stub.Predict(resume === undefined ? request : { ...request, resume }, callOptions(deadline)),
      limitsOf(replica, attempts, signal),
      ({ message }: PredictResponse__Output) => message === 'summary',
    );
  const { messages, resumedAt } = resumingMessages(open, attempts, part);
  const limits = {
    chunkBytes: chunkBytes === 0 ? DEFAULT_CHUNK_BYTES : chunkBytes,
    sha256,
    copies,
    lift,
    strength,
    base,
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
  link: Link,
  expansions: ExpansionCache,
  plan: CheckedPlan,
  settings: CallSettings,
): Promise<ExpansionLayer> {
  const { expansion, model } = plan;
  if (expansion === null)
    throw new ProtocolError('plan.expansion', 'missing', 'present where there are cores');
  const request = { model, sha256: expansion.sha256 };
  try {
    return await expansions.get(expansion, () =>
      expansionParts(link, request, expansionBytes(expansion), settings),
    );
  } catch (error) {
    throwIfAborted(settings.signal);
    throw error;
  }
}
