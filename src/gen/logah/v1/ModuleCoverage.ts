// Original file: proto/logah/v1/logah.proto

import type { Coverage as _logah_v1_Coverage, Coverage__Output as _logah_v1_Coverage__Output } from '../../logah/v1/Coverage';

export interface ModuleCoverage {
  'name'?: (string);
  'coverage'?: (_logah_v1_Coverage | null);
}

export interface ModuleCoverage__Output {
  'name': (string);
  'coverage': (_logah_v1_Coverage__Output | null);
}
