// Original file: proto/logah/v1/logah.proto

import type { Plan as _logah_v1_Plan, Plan__Output as _logah_v1_Plan__Output } from '../../logah/v1/Plan';
import type { Chunk as _logah_v1_Chunk, Chunk__Output as _logah_v1_Chunk__Output } from '../../logah/v1/Chunk';
import type { Summary as _logah_v1_Summary, Summary__Output as _logah_v1_Summary__Output } from '../../logah/v1/Summary';

export interface PredictResponse {
  'plan'?: (_logah_v1_Plan | null);
  'chunk'?: (_logah_v1_Chunk | null);
  'summary'?: (_logah_v1_Summary | null);
  'message'?: "plan"|"chunk"|"summary";
}

export interface PredictResponse__Output {
  'plan'?: (_logah_v1_Plan__Output | null);
  'chunk'?: (_logah_v1_Chunk__Output | null);
  'summary'?: (_logah_v1_Summary__Output | null);
  'message'?: "plan"|"chunk"|"summary";
}
