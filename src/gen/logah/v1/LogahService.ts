// Original file: proto/logah/v1/logah.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetActivityRequest as _logah_v1_GetActivityRequest, GetActivityRequest__Output as _logah_v1_GetActivityRequest__Output } from '../../logah/v1/GetActivityRequest';
import type { GetActivityResponse as _logah_v1_GetActivityResponse, GetActivityResponse__Output as _logah_v1_GetActivityResponse__Output } from '../../logah/v1/GetActivityResponse';
import type { GetExpansionRequest as _logah_v1_GetExpansionRequest, GetExpansionRequest__Output as _logah_v1_GetExpansionRequest__Output } from '../../logah/v1/GetExpansionRequest';
import type { GetExpansionResponse as _logah_v1_GetExpansionResponse, GetExpansionResponse__Output as _logah_v1_GetExpansionResponse__Output } from '../../logah/v1/GetExpansionResponse';
import type { GetTokenizerRequest as _logah_v1_GetTokenizerRequest, GetTokenizerRequest__Output as _logah_v1_GetTokenizerRequest__Output } from '../../logah/v1/GetTokenizerRequest';
import type { GetTokenizerResponse as _logah_v1_GetTokenizerResponse, GetTokenizerResponse__Output as _logah_v1_GetTokenizerResponse__Output } from '../../logah/v1/GetTokenizerResponse';
import type { InspectTensorsRequest as _logah_v1_InspectTensorsRequest, InspectTensorsRequest__Output as _logah_v1_InspectTensorsRequest__Output } from '../../logah/v1/InspectTensorsRequest';
import type { InspectTensorsResponse as _logah_v1_InspectTensorsResponse, InspectTensorsResponse__Output as _logah_v1_InspectTensorsResponse__Output } from '../../logah/v1/InspectTensorsResponse';
import type { ListModelsRequest as _logah_v1_ListModelsRequest, ListModelsRequest__Output as _logah_v1_ListModelsRequest__Output } from '../../logah/v1/ListModelsRequest';
import type { ListModelsResponse as _logah_v1_ListModelsResponse, ListModelsResponse__Output as _logah_v1_ListModelsResponse__Output } from '../../logah/v1/ListModelsResponse';
import type { PlanRequest as _logah_v1_PlanRequest, PlanRequest__Output as _logah_v1_PlanRequest__Output } from '../../logah/v1/PlanRequest';
import type { PlanResponse as _logah_v1_PlanResponse, PlanResponse__Output as _logah_v1_PlanResponse__Output } from '../../logah/v1/PlanResponse';
import type { PredictRequest as _logah_v1_PredictRequest, PredictRequest__Output as _logah_v1_PredictRequest__Output } from '../../logah/v1/PredictRequest';
import type { PredictResponse as _logah_v1_PredictResponse, PredictResponse__Output as _logah_v1_PredictResponse__Output } from '../../logah/v1/PredictResponse';

export interface LogahServiceClient extends grpc.Client {
  GetActivity(argument: _logah_v1_GetActivityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  GetActivity(argument: _logah_v1_GetActivityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  GetActivity(argument: _logah_v1_GetActivityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  GetActivity(argument: _logah_v1_GetActivityRequest, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  getActivity(argument: _logah_v1_GetActivityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  getActivity(argument: _logah_v1_GetActivityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  getActivity(argument: _logah_v1_GetActivityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;
  getActivity(argument: _logah_v1_GetActivityRequest, callback: grpc.requestCallback<_logah_v1_GetActivityResponse__Output>): grpc.ClientUnaryCall;

  GetExpansion(argument: _logah_v1_GetExpansionRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_GetExpansionResponse__Output>;
  GetExpansion(argument: _logah_v1_GetExpansionRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_GetExpansionResponse__Output>;
  getExpansion(argument: _logah_v1_GetExpansionRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_GetExpansionResponse__Output>;
  getExpansion(argument: _logah_v1_GetExpansionRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_GetExpansionResponse__Output>;

  GetTokenizer(argument: _logah_v1_GetTokenizerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  GetTokenizer(argument: _logah_v1_GetTokenizerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  GetTokenizer(argument: _logah_v1_GetTokenizerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  GetTokenizer(argument: _logah_v1_GetTokenizerRequest, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  getTokenizer(argument: _logah_v1_GetTokenizerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  getTokenizer(argument: _logah_v1_GetTokenizerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  getTokenizer(argument: _logah_v1_GetTokenizerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;
  getTokenizer(argument: _logah_v1_GetTokenizerRequest, callback: grpc.requestCallback<_logah_v1_GetTokenizerResponse__Output>): grpc.ClientUnaryCall;

  InspectTensors(argument: _logah_v1_InspectTensorsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_InspectTensorsResponse__Output>;
  InspectTensors(argument: _logah_v1_InspectTensorsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_InspectTensorsResponse__Output>;
  inspectTensors(argument: _logah_v1_InspectTensorsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_InspectTensorsResponse__Output>;
  inspectTensors(argument: _logah_v1_InspectTensorsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_InspectTensorsResponse__Output>;

  ListModels(argument: _logah_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _logah_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _logah_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _logah_v1_ListModelsRequest, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _logah_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _logah_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _logah_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _logah_v1_ListModelsRequest, callback: grpc.requestCallback<_logah_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;

  Plan(argument: _logah_v1_PlanRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  Plan(argument: _logah_v1_PlanRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  Plan(argument: _logah_v1_PlanRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  Plan(argument: _logah_v1_PlanRequest, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  plan(argument: _logah_v1_PlanRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  plan(argument: _logah_v1_PlanRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  plan(argument: _logah_v1_PlanRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;
  plan(argument: _logah_v1_PlanRequest, callback: grpc.requestCallback<_logah_v1_PlanResponse__Output>): grpc.ClientUnaryCall;

  Predict(argument: _logah_v1_PredictRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_PredictResponse__Output>;
  Predict(argument: _logah_v1_PredictRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_PredictResponse__Output>;
  predict(argument: _logah_v1_PredictRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_PredictResponse__Output>;
  predict(argument: _logah_v1_PredictRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_logah_v1_PredictResponse__Output>;

}

export interface LogahServiceHandlers extends grpc.UntypedServiceImplementation {
  GetActivity: grpc.handleUnaryCall<_logah_v1_GetActivityRequest__Output, _logah_v1_GetActivityResponse>;

  GetExpansion: grpc.handleServerStreamingCall<_logah_v1_GetExpansionRequest__Output, _logah_v1_GetExpansionResponse>;

  GetTokenizer: grpc.handleUnaryCall<_logah_v1_GetTokenizerRequest__Output, _logah_v1_GetTokenizerResponse>;

  InspectTensors: grpc.handleServerStreamingCall<_logah_v1_InspectTensorsRequest__Output, _logah_v1_InspectTensorsResponse>;

  ListModels: grpc.handleUnaryCall<_logah_v1_ListModelsRequest__Output, _logah_v1_ListModelsResponse>;

  Plan: grpc.handleUnaryCall<_logah_v1_PlanRequest__Output, _logah_v1_PlanResponse>;

  Predict: grpc.handleServerStreamingCall<_logah_v1_PredictRequest__Output, _logah_v1_PredictResponse>;

}

export interface LogahServiceDefinition extends grpc.ServiceDefinition {
  GetActivity: MethodDefinition<_logah_v1_GetActivityRequest, _logah_v1_GetActivityResponse, _logah_v1_GetActivityRequest__Output, _logah_v1_GetActivityResponse__Output>
  GetExpansion: MethodDefinition<_logah_v1_GetExpansionRequest, _logah_v1_GetExpansionResponse, _logah_v1_GetExpansionRequest__Output, _logah_v1_GetExpansionResponse__Output>
  GetTokenizer: MethodDefinition<_logah_v1_GetTokenizerRequest, _logah_v1_GetTokenizerResponse, _logah_v1_GetTokenizerRequest__Output, _logah_v1_GetTokenizerResponse__Output>
  InspectTensors: MethodDefinition<_logah_v1_InspectTensorsRequest, _logah_v1_InspectTensorsResponse, _logah_v1_InspectTensorsRequest__Output, _logah_v1_InspectTensorsResponse__Output>
  ListModels: MethodDefinition<_logah_v1_ListModelsRequest, _logah_v1_ListModelsResponse, _logah_v1_ListModelsRequest__Output, _logah_v1_ListModelsResponse__Output>
  Plan: MethodDefinition<_logah_v1_PlanRequest, _logah_v1_PlanResponse, _logah_v1_PlanRequest__Output, _logah_v1_PlanResponse__Output>
  Predict: MethodDefinition<_logah_v1_PredictRequest, _logah_v1_PredictResponse, _logah_v1_PredictRequest__Output, _logah_v1_PredictResponse__Output>
}
