/**
 * The service as grpc-js gets it: requests arrive as bytes, since whoever parses them must bound them first and tell what
 * is wrong with them under the request's id; answers may be framed already.
 */

import { messageShape, type MessageShape } from '../contract/message-shape';
import { adminService, logahService } from '../contract/proto-definition';
import { invalidField } from '../errors';
import { serializeFramed, serializeResponse } from './answers/framing';
import { ReceivedRequest } from './admission/received-request';
import { checkBounds } from './admission/request-bounds';

const receivedRequest = (bytes: Buffer): ReceivedRequest => new ReceivedRequest(bytes);

const { Predict, Plan, ListModels, GetExpansion, GetTokenizer, InspectTensors, GetActivity } = logahService;
const framedAnswer = { requestDeserialize: receivedRequest, responseSerialize: serializeFramed };

/** `logah.v1.LogahService`. */
export const serviceDefinition = {
  Predict: { ...Predict, requestDeserialize: receivedRequest, responseSerialize: serializeResponse },
  Plan: { ...Plan, ...framedAnswer },
  ListModels: { ...ListModels, ...framedAnswer },
  GetExpansion: { ...GetExpansion, ...framedAnswer },
  GetTokenizer: { ...GetTokenizer, ...framedAnswer },
  InspectTensors: { ...InspectTensors, ...framedAnswer },
  GetActivity: { ...GetActivity, ...framedAnswer },
};

const { LoadModel, UnloadModel, ReloadModels } = adminService;

/** `logah.v1.AdminService`. */
export const adminDefinition = {
  LoadModel: { ...LoadModel, ...framedAnswer },
  UnloadModel: { ...UnloadModel, ...framedAnswer },
  ReloadModels: { ...ReloadModels, ...framedAnswer },
};

/** RPCs whose requests hold an architecture, by path. */
export const LARGE_REQUESTS: ReadonlySet<string> = new Set([Predict.path, Plan.path, InspectTensors.path]);

/** Of requests that hold only names. */
const NAMES = { parts: 64, partsSetting: 'no more', parsedBytes: 65_536 };

/** Parses a request that holds only names. Throws LogahError (invalid_argument) where it is none. */
export function parseNames<Request>(
  deserialize: (bytes: Buffer) => Request,
  shape: MessageShape,
  received: ReceivedRequest,
): Request {
  const bytes = received.take();
  checkBounds(bytes, shape, NAMES);
  try {
    return deserialize(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidField('request', `is no ${shape.name}: ${reason}`);
  }
}

/** Parsers of the requests that hold only names. */
export const parse = {
  listModels: (request: ReceivedRequest) =>
    parseNames(ListModels.requestDeserialize, messageShape('logah.v1.ListModelsRequest'), request),
  getExpansion: (request: ReceivedRequest) =>
    parseNames(GetExpansion.requestDeserialize, messageShape('logah.v1.GetExpansionRequest'), request),
  getTokenizer: (request: ReceivedRequest) =>
    parseNames(GetTokenizer.requestDeserialize, messageShape('logah.v1.GetTokenizerRequest'), request),
  getActivity: (request: ReceivedRequest) =>
    parseNames(GetActivity.requestDeserialize, messageShape('logah.v1.GetActivityRequest'), request),
  loadModel: (request: ReceivedRequest) =>
    parseNames(LoadModel.requestDeserialize, messageShape('logah.v1.LoadModelRequest'), request),
  unloadModel: (request: ReceivedRequest) =>
    parseNames(UnloadModel.requestDeserialize, messageShape('logah.v1.UnloadModelRequest'), request),
  reloadModels: (request: ReceivedRequest) =>
    parseNames(ReloadModels.requestDeserialize, messageShape('logah.v1.ReloadModelsRequest'), request),
};
