// Original file: proto/logah/v1/logah.proto

import type { Architecture as _logah_v1_Architecture, Architecture__Output as _logah_v1_Architecture__Output } from '../../logah/v1/Architecture';
import type { DataType as _logah_v1_DataType, DataType__Output as _logah_v1_DataType__Output } from '../../logah/v1/DataType';
import type { TensorSelection as _logah_v1_TensorSelection, TensorSelection__Output as _logah_v1_TensorSelection__Output } from '../../logah/v1/TensorSelection';
import type { Long } from '@grpc/proto-loader';

export interface PredictRequest {
  'architecture'?: (_logah_v1_Architecture | null);
  'model'?: (string);
  'seed'?: (number | string | Long);
  'dtype'?: (_logah_v1_DataType);
  'chunkBytes'?: (number);
  'selection'?: (_logah_v1_TensorSelection | null);
  'sha256'?: (boolean);
}

export interface PredictRequest__Output {
  'architecture': (_logah_v1_Architecture__Output | null);
  'model': (string);
  'seed': (number);
  'dtype': (_logah_v1_DataType__Output);
  'chunkBytes': (number);
  'selection': (_logah_v1_TensorSelection__Output | null);
  'sha256': (boolean);
}
