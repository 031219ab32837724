// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Histogram {
  'low'?: (number | string);
  'high'?: (number | string);
  'counts'?: (number | string | Long)[];
  'below'?: (number | string | Long);
  'above'?: (number | string | Long);
}

export interface Histogram__Output {
  'low': (number);
  'high': (number);
  'counts': (number)[];
  'below': (number);
  'above': (number);
}
