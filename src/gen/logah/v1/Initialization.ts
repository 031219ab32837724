// Original file: proto/logah/v1/architecture.proto

import type { Rule as _logah_v1_Rule, Rule__Output as _logah_v1_Rule__Output } from '../../logah/v1/Rule';
import type { Function as _logah_v1_Function, Function__Output as _logah_v1_Function__Output } from '../../logah/v1/Function';

export interface Initialization {
  'rule'?: (_logah_v1_Rule);
  'standardDeviation'?: (number | string);
  'value'?: (number | string);
  'bound'?: (number | string);
  'mean'?: (number | string);
  'lower'?: (number | string);
  'upper'?: (number | string);
  'least'?: (number | string);
  'start'?: (number | string);
  'step'?: (number | string);
  'base'?: (number | string);
  'divisor'?: (number | string);
  'interleaved'?: (boolean);
  'function'?: (_logah_v1_Function);
}

export interface Initialization__Output {
  'rule': (_logah_v1_Rule__Output);
  'standardDeviation': (number);
  'value': (number);
  'bound': (number);
  'mean': (number);
  'lower': (number);
  'upper': (number);
  'least': (number);
  'start': (number);
  'step': (number);
  'base': (number);
  'divisor': (number);
  'interleaved': (boolean);
  'function': (_logah_v1_Function__Output);
}
