// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Resume {
  'fingerprint'?: (string);
  'offset'?: (number | string | Long);
  'end'?: (number | string | Long);
}

export interface Resume__Output {
  'fingerprint': (string);
  'offset': (number);
  'end': (number);
}
