// Original file: proto/logah/v1/admin.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { LoadModelRequest as _logah_v1_LoadModelRequest, LoadModelRequest__Output as _logah_v1_LoadModelRequest__Output } from '../../logah/v1/LoadModelRequest';
import type { LoadModelResponse as _logah_v1_LoadModelResponse, LoadModelResponse__Output as _logah_v1_LoadModelResponse__Output } from '../../logah/v1/LoadModelResponse';
import type { ReloadModelsRequest as _logah_v1_ReloadModelsRequest, ReloadModelsRequest__Output as _logah_v1_ReloadModelsRequest__Output } from '../../logah/v1/ReloadModelsRequest';
import type { ReloadModelsResponse as _logah_v1_ReloadModelsResponse, ReloadModelsResponse__Output as _logah_v1_ReloadModelsResponse__Output } from '../../logah/v1/ReloadModelsResponse';
import type { UnloadModelRequest as _logah_v1_UnloadModelRequest, UnloadModelRequest__Output as _logah_v1_UnloadModelRequest__Output } from '../../logah/v1/UnloadModelRequest';
import type { UnloadModelResponse as _logah_v1_UnloadModelResponse, UnloadModelResponse__Output as _logah_v1_UnloadModelResponse__Output } from '../../logah/v1/UnloadModelResponse';

export interface AdminServiceClient extends grpc.Client {
  LoadModel(argument: _logah_v1_LoadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _logah_v1_LoadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _logah_v1_LoadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _logah_v1_LoadModelRequest, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _logah_v1_LoadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _logah_v1_LoadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _logah_v1_LoadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _logah_v1_LoadModelRequest, callback: grpc.requestCallback<_logah_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;

  ReloadModels(argument: _logah_v1_ReloadModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  ReloadModels(argument: _logah_v1_ReloadModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  ReloadModels(argument: _logah_v1_ReloadModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  ReloadModels(argument: _logah_v1_ReloadModelsRequest, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  reloadModels(argument: _logah_v1_ReloadModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  reloadModels(argument: _logah_v1_ReloadModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  reloadModels(argument: _logah_v1_ReloadModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;
  reloadModels(argument: _logah_v1_ReloadModelsRequest, callback: grpc.requestCallback<_logah_v1_ReloadModelsResponse__Output>): grpc.ClientUnaryCall;

  UnloadModel(argument: _logah_v1_UnloadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _logah_v1_UnloadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _logah_v1_UnloadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _logah_v1_UnloadModelRequest, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _logah_v1_UnloadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _logah_v1_UnloadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _logah_v1_UnloadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _logah_v1_UnloadModelRequest, callback: grpc.requestCallback<_logah_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;

}

export interface AdminServiceHandlers extends grpc.UntypedServiceImplementation {
  LoadModel: grpc.handleUnaryCall<_logah_v1_LoadModelRequest__Output, _logah_v1_LoadModelResponse>;

  ReloadModels: grpc.handleUnaryCall<_logah_v1_ReloadModelsRequest__Output, _logah_v1_ReloadModelsResponse>;

  UnloadModel: grpc.handleUnaryCall<_logah_v1_UnloadModelRequest__Output, _logah_v1_UnloadModelResponse>;

}

export interface AdminServiceDefinition extends grpc.ServiceDefinition {
  LoadModel: MethodDefinition<_logah_v1_LoadModelRequest, _logah_v1_LoadModelResponse, _logah_v1_LoadModelRequest__Output, _logah_v1_LoadModelResponse__Output>
  ReloadModels: MethodDefinition<_logah_v1_ReloadModelsRequest, _logah_v1_ReloadModelsResponse, _logah_v1_ReloadModelsRequest__Output, _logah_v1_ReloadModelsResponse__Output>
  UnloadModel: MethodDefinition<_logah_v1_UnloadModelRequest, _logah_v1_UnloadModelResponse, _logah_v1_UnloadModelRequest__Output, _logah_v1_UnloadModelResponse__Output>
}
