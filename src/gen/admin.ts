import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdminServiceClient as _logah_v1_AdminServiceClient, AdminServiceDefinition as _logah_v1_AdminServiceDefinition } from './logah/v1/AdminService';
import type { LogahServiceClient as _logah_v1_LogahServiceClient, LogahServiceDefinition as _logah_v1_LogahServiceDefinition } from './logah/v1/LogahService';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  logah: {
    v1: {
      AdminService: SubtypeConstructor<typeof grpc.Client, _logah_v1_AdminServiceClient> & { service: _logah_v1_AdminServiceDefinition }
      Architecture: MessageTypeDefinition
      ArchitectureGraph: MessageTypeDefinition
      Block: MessageTypeDefinition
      BrokenBundle: MessageTypeDefinition
      Chunk: MessageTypeDefinition
      CoreBlock: MessageTypeDefinition
      CoreLayout: EnumTypeDefinition
      Coverage: MessageTypeDefinition
      DataType: EnumTypeDefinition
      Edge: MessageTypeDefinition
      Expansion: MessageTypeDefinition
      FactorBlock: MessageTypeDefinition
      Function: EnumTypeDefinition
      GetActivityRequest: MessageTypeDefinition
      GetActivityResponse: MessageTypeDefinition
      GetExpansionRequest: MessageTypeDefinition
      GetExpansionResponse: MessageTypeDefinition
      GetTokenizerRequest: MessageTypeDefinition
      GetTokenizerResponse: MessageTypeDefinition
      HeldResource: MessageTypeDefinition
      Histogram: MessageTypeDefinition
      Initialization: MessageTypeDefinition
      InspectTensorsRequest: MessageTypeDefinition
      InspectTensorsResponse: MessageTypeDefinition
      Keep: EnumTypeDefinition
      ListModelsRequest: MessageTypeDefinition
      ListModelsResponse: MessageTypeDefinition
      LoadModelRequest: MessageTypeDefinition
      LoadModelResponse: MessageTypeDefinition
      LogahService: SubtypeConstructor<typeof grpc.Client, _logah_v1_LogahServiceClient> & { service: _logah_v1_LogahServiceDefinition }
      Model: MessageTypeDefinition
      ModuleCoverage: MessageTypeDefinition
      NamedConstant: MessageTypeDefinition
      Node: MessageTypeDefinition
      OnnxContent: MessageTypeDefinition
      OnnxContentKind: EnumTypeDefinition
      Parameter: MessageTypeDefinition
      Picture: MessageTypeDefinition
      Plan: MessageTypeDefinition
      PlanRequest: MessageTypeDefinition
      PlanResponse: MessageTypeDefinition
      PredictRequest: MessageTypeDefinition
      PredictResponse: MessageTypeDefinition
      Prediction: MessageTypeDefinition
      ReloadModelsRequest: MessageTypeDefinition
      ReloadModelsResponse: MessageTypeDefinition
      Representation: EnumTypeDefinition
      Resume: MessageTypeDefinition
      Role: EnumTypeDefinition
      Rule: EnumTypeDefinition
      Shard: MessageTypeDefinition
      Source: EnumTypeDefinition
      Spectrum: MessageTypeDefinition
      StageActivity: MessageTypeDefinition
      Summary: MessageTypeDefinition
      TensorDigest: MessageTypeDefinition
      TensorInspection: MessageTypeDefinition
      TensorLayout: MessageTypeDefinition
      TensorPlan: MessageTypeDefinition
      TensorSelection: MessageTypeDefinition
      TensorSlice: MessageTypeDefinition
      Timings: MessageTypeDefinition
      TokenizerFile: MessageTypeDefinition
      UnloadModelRequest: MessageTypeDefinition
      UnloadModelResponse: MessageTypeDefinition
      Warning: MessageTypeDefinition
      WarningKind: EnumTypeDefinition
      Widening: MessageTypeDefinition
    }
  }
}

