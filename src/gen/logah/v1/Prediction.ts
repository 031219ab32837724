// Original file: proto/logah/v1/architecture.proto

import type { Role as _logah_v1_Role, Role__Output as _logah_v1_Role__Output } from '../../logah/v1/Role';

export interface Prediction {
  'node'?: (number);
  'role'?: (_logah_v1_Role);
  'classifier'?: (boolean);
  'slot'?: (number);
}

export interface Prediction__Output {
  'node': (number);
  'role': (_logah_v1_Role__Output);
  'classifier': (boolean);
  'slot': (number);
}
