// Original file: proto/logah/v1/logah.proto

import type { Architecture as _logah_v1_Architecture, Architecture__Output as _logah_v1_Architecture__Output } from '../../logah/v1/Architecture';
import type { DataType as _logah_v1_DataType, DataType__Output as _logah_v1_DataType__Output } from '../../logah/v1/DataType';
import type { TensorSelection as _logah_v1_TensorSelection, TensorSelection__Output as _logah_v1_TensorSelection__Output } from '../../logah/v1/TensorSelection';
import type { Representation as _logah_v1_Representation, Representation__Output as _logah_v1_Representation__Output } from '../../logah/v1/Representation';
import type { TensorSlice as _logah_v1_TensorSlice, TensorSlice__Output as _logah_v1_TensorSlice__Output } from '../../logah/v1/TensorSlice';
import type { Shard as _logah_v1_Shard, Shard__Output as _logah_v1_Shard__Output } from '../../logah/v1/Shard';
import type { Resume as _logah_v1_Resume, Resume__Output as _logah_v1_Resume__Output } from '../../logah/v1/Resume';
import type { Long } from '@grpc/proto-loader';

export interface PredictRequest {
  'architecture'?: (_logah_v1_Architecture | null);
  'model'?: (string);
  'seed'?: (number | string | Long);
  'dtype'?: (_logah_v1_DataType);
  'chunkBytes'?: (number);
  'selection'?: (_logah_v1_TensorSelection | null);
  'sha256'?: (boolean);
  'representation'?: (_logah_v1_Representation);
  'slices'?: (_logah_v1_TensorSlice)[];
  'shard'?: (_logah_v1_Shard | null);
  'resume'?: (_logah_v1_Resume | null);
  'lift'?: (number | string);
  'strength'?: (number | string);
  'base'?: (number | string);
  'strict'?: (boolean);
  'copies'?: (number);
  '_strength'?: "strength";
  '_copies'?: "copies";
}

export interface PredictRequest__Output {
  'architecture': (_logah_v1_Architecture__Output | null);
  'model': (string);
  'seed': (number);
  'dtype': (_logah_v1_DataType__Output);
  'chunkBytes': (number);
  'selection': (_logah_v1_TensorSelection__Output | null);
  'sha256': (boolean);
  'representation': (_logah_v1_Representation__Output);
  'slices': (_logah_v1_TensorSlice__Output)[];
  'shard': (_logah_v1_Shard__Output | null);
  'resume': (_logah_v1_Resume__Output | null);
  'lift': (number);
  'strength'?: (number);
  'base': (number);
  'strict': (boolean);
  'copies'?: (number);
  '_strength'?: "strength";
  '_copies'?: "copies";
}
