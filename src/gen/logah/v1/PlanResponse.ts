// Original file: proto/logah/v1/logah.proto

import type { Plan as _logah_v1_Plan, Plan__Output as _logah_v1_Plan__Output } from '../../logah/v1/Plan';
import type { ArchitectureGraph as _logah_v1_ArchitectureGraph, ArchitectureGraph__Output as _logah_v1_ArchitectureGraph__Output } from '../../logah/v1/ArchitectureGraph';

export interface PlanResponse {
  'plan'?: (_logah_v1_Plan | null);
  'graph'?: (_logah_v1_ArchitectureGraph | null);
}

export interface PlanResponse__Output {
  'plan': (_logah_v1_Plan__Output | null);
  'graph': (_logah_v1_ArchitectureGraph__Output | null);
}
