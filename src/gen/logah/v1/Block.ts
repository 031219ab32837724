// Original file: proto/logah/v1/architecture.proto

import type { Prediction as _logah_v1_Prediction, Prediction__Output as _logah_v1_Prediction__Output } from '../../logah/v1/Prediction';
import type { Initialization as _logah_v1_Initialization, Initialization__Output as _logah_v1_Initialization__Output } from '../../logah/v1/Initialization';
import type { Long } from '@grpc/proto-loader';

export interface Block {
  'length'?: (number | string | Long);
  'prediction'?: (_logah_v1_Prediction | null);
  'initialization'?: (_logah_v1_Initialization | null);
  'fallback'?: (_logah_v1_Initialization | null);
  'origin'?: "prediction"|"initialization";
}

export interface Block__Output {
  'length': (number);
  'prediction'?: (_logah_v1_Prediction__Output | null);
  'initialization'?: (_logah_v1_Initialization__Output | null);
  'fallback': (_logah_v1_Initialization__Output | null);
  'origin'?: "prediction"|"initialization";
}
