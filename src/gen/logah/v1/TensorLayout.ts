// Original file: proto/logah/v1/architecture.proto

import type { Long } from '@grpc/proto-loader';

export interface TensorLayout {
  'order'?: (number)[];
  'shape'?: (number | string | Long)[];
}

export interface TensorLayout__Output {
  'order': (number)[];
  'shape': (number)[];
}
