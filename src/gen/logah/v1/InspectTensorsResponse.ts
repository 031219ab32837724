// Original file: proto/logah/v1/logah.proto

import type { TensorInspection as _logah_v1_TensorInspection, TensorInspection__Output as _logah_v1_TensorInspection__Output } from '../../logah/v1/TensorInspection';

export interface InspectTensorsResponse {
  'tensor'?: (_logah_v1_TensorInspection | null);
  'tensors'?: (number);
}

export interface InspectTensorsResponse__Output {
  'tensor': (_logah_v1_TensorInspection__Output | null);
  'tensors': (number);
}
