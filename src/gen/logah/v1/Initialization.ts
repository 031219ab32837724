// Original file: proto/logah/v1/architecture.proto

import type { Rule as _logah_v1_Rule, Rule__Output as _logah_v1_Rule__Output } from '../../logah/v1/Rule';

export interface Initialization {
  'rule'?: (_logah_v1_Rule);
  'standardDeviation'?: (number | string);
  'value'?: (number | string);
  'bound'?: (number | string);
}

export interface Initialization__Output {
  'rule': (_logah_v1_Rule__Output);
  'standardDeviation': (number);
  'value': (number);
  'bound': (number);
}
