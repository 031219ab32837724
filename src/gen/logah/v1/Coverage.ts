// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Coverage {
  'parameters'?: (number | string | Long);
  'predicted'?: (number | string | Long);
  'tiled'?: (number | string | Long);
  'initialized'?: (number | string | Long);
  'tied'?: (number | string | Long);
  'kept'?: (number | string | Long);
}

export interface Coverage__Output {
  'parameters': (number);
  'predicted': (number);
  'tiled': (number);
  'initialized': (number);
  'tied': (number);
  'kept': (number);
}
