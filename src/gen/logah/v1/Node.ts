// Original file: proto/logah/v1/architecture.proto

import type { Long } from '@grpc/proto-loader';

export interface Node {
  'name'?: (string);
  'operation'?: (string);
  'shape'?: (number | string | Long)[];
}

export interface Node__Output {
  'name': (string);
  'operation': (string);
  'shape': (number)[];
}
