// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface StageActivity {
  'name'?: (string);
  'seconds'?: (number | string);
  'predictions'?: (number | string | Long);
}

export interface StageActivity__Output {
  'name': (string);
  'seconds': (number);
  'predictions': (number);
}
