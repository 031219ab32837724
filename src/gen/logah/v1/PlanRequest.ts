// Original file: proto/logah/v1/logah.proto

import type { PredictRequest as _logah_v1_PredictRequest, PredictRequest__Output as _logah_v1_PredictRequest__Output } from '../../logah/v1/PredictRequest';

export interface PlanRequest {
  'request'?: (_logah_v1_PredictRequest | null);
  'graph'?: (boolean);
}

export interface PlanRequest__Output {
  'request': (_logah_v1_PredictRequest__Output | null);
  'graph': (boolean);
}
