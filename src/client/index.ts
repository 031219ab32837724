/** The client library: connects to a server, checks what it answers, and writes safetensors files. */

export { LogahError, type ErrorKind, type FieldViolation } from '../errors';
export type { InspectTensorsRequest } from '../gen/logah/v1/InspectTensorsRequest';
export type { ListModelsResponse__Output as ListModelsResponse } from '../gen/logah/v1/ListModelsResponse';
export type { Model__Output as Model } from '../gen/logah/v1/Model';
export type { PredictRequest } from '../gen/logah/v1/PredictRequest';
export type { TensorInspection__Output as TensorInspection } from '../gen/logah/v1/TensorInspection';
export type { Warning__Output as Warning } from '../gen/logah/v1/Warning';
export type { Persistence } from './link/attempts';
export { tokenFromFile, type ClientTls, type Security } from './link/security';
export type { CallSettings, PredictSettings } from './link/call';
export { sentTensors, type CheckedPlan, type Coverage, type TensorPlan, type Widening } from './checked-plan';
export { ELEMENT_BYTES, type ElementType } from './element-type';
export type { ExpansionLayer } from './expansion/expansion';
export { connect, type ConnectOptions, type LogahClient } from './logah-client';
export { onnxArchitecture, onnxArchitectureOf } from './onnx-file';
export { parallelEvents } from './parallel-events';
export { isExpanded, predictDense } from './predict-dense';
export type { PredictionEvent, Summary } from './prediction-events';
export { ProtocolError } from './protocol-error';
export { RemoteError } from './remote-error';
export { MAX_HEADER_BYTES, type SafetensorsMetadata } from './files/safetensors-header';
export {
  readSafetensor,
  readSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsType,
} from './files/safetensors-reader';
export { saveResumable } from './files/resumable-save';
export { saveSafetensors, type SavedPrediction, type SaveOptions } from './files/safetensors-writer';
export type { DataPart } from './data-part';
export type { TensorPiece } from './tensor-pieces';
