// Original file: proto/logah/v1/admin.proto

import type { Model as _logah_v1_Model, Model__Output as _logah_v1_Model__Output } from '../../logah/v1/Model';
import type { BrokenBundle as _logah_v1_BrokenBundle, BrokenBundle__Output as _logah_v1_BrokenBundle__Output } from '../../logah/v1/BrokenBundle';

export interface ReloadModelsResponse {
  'changed'?: (boolean);
  'models'?: (_logah_v1_Model)[];
  'broken'?: (_logah_v1_BrokenBundle)[];
}

export interface ReloadModelsResponse__Output {
  'changed': (boolean);
  'models': (_logah_v1_Model__Output)[];
  'broken': (_logah_v1_BrokenBundle__Output)[];
}
