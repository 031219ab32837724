// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface NamedConstant {
  'name'?: (string);
  'shape'?: (number | string | Long)[];
  'reason'?: (string);
}

export interface NamedConstant__Output {
  'name': (string);
  'shape': (number)[];
  'reason': (string);
}
