// Original file: proto/logah/v1/architecture.proto

import type { OnnxContentKind as _logah_v1_OnnxContentKind, OnnxContentKind__Output as _logah_v1_OnnxContentKind__Output } from '../../logah/v1/OnnxContentKind';

export interface OnnxContent {
  'name'?: (string);
  'kind'?: (_logah_v1_OnnxContentKind);
  'mean'?: (number | string);
  'standardDeviation'?: (number | string);
  'nonNegative'?: (boolean);
  'sameAs'?: (string);
  'transposed'?: (boolean);
}

export interface OnnxContent__Output {
  'name': (string);
  'kind': (_logah_v1_OnnxContentKind__Output);
  'mean': (number);
  'standardDeviation': (number);
  'nonNegative': (boolean);
  'sameAs': (string);
  'transposed': (boolean);
}
