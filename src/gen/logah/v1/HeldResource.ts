// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface HeldResource {
  'name'?: (string);
  'used'?: (number | string | Long);
  'limit'?: (number | string | Long);
}

export interface HeldResource__Output {
  'name': (string);
  'used': (number);
  'limit': (number);
}
