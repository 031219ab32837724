// Original file: proto/logah/v1/logah.proto

import type { Plan as _logah_v1_Plan, Plan__Output as _logah_v1_Plan__Output } from '../../logah/v1/Plan';

export interface PlanResponse {
  'plan'?: (_logah_v1_Plan | null);
}

export interface PlanResponse__Output {
  'plan': (_logah_v1_Plan__Output | null);
}
