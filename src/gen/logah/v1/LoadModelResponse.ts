// Original file: proto/logah/v1/admin.proto

import type { Model as _logah_v1_Model, Model__Output as _logah_v1_Model__Output } from '../../logah/v1/Model';

export interface LoadModelResponse {
  'model'?: (_logah_v1_Model | null);
}

export interface LoadModelResponse__Output {
  'model': (_logah_v1_Model__Output | null);
}
