// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Widening {
  'copies'?: (number);
  'base'?: ({[key: string]: number | string | Long});
}

export interface Widening__Output {
  'copies': (number);
  'base': ({[key: string]: number});
}
