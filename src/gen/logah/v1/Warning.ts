// Original file: proto/logah/v1/logah.proto

import type { WarningKind as _logah_v1_WarningKind, WarningKind__Output as _logah_v1_WarningKind__Output } from '../../logah/v1/WarningKind';

export interface Warning {
  'kind'?: (_logah_v1_WarningKind);
  'field'?: (string);
  'actual'?: (string);
  'trained'?: (string);
  'text'?: (string);
}

export interface Warning__Output {
  'kind': (_logah_v1_WarningKind__Output);
  'field': (string);
  'actual': (string);
  'trained': (string);
  'text': (string);
}
