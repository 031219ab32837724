// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface TensorSlice {
  'name'?: (string);
  'start'?: (number | string | Long)[];
  'end'?: (number | string | Long)[];
}

export interface TensorSlice__Output {
  'name': (string);
  'start': (number)[];
  'end': (number)[];
}
