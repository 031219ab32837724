// Original file: proto/logah/v1/logah.proto

import type { Model as _logah_v1_Model, Model__Output as _logah_v1_Model__Output } from '../../logah/v1/Model';

export interface ListModelsResponse {
  'models'?: (_logah_v1_Model)[];
  'defaultModel'?: (string);
  'aliases'?: ({[key: string]: string});
}

export interface ListModelsResponse__Output {
  'models': (_logah_v1_Model__Output)[];
  'defaultModel': (string);
  'aliases': ({[key: string]: string});
}
