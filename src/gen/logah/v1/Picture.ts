// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Picture {
  'rows'?: (number);
  'columns'?: (number);
  'matrixRows'?: (number | string | Long);
  'matrixColumns'?: (number | string | Long);
  'means'?: (Buffer | Uint8Array | string);
  'minima'?: (Buffer | Uint8Array | string);
  'maxima'?: (Buffer | Uint8Array | string);
}

export interface Picture__Output {
  'rows': (number);
  'columns': (number);
  'matrixRows': (number);
  'matrixColumns': (number);
  'means': (Buffer);
  'minima': (Buffer);
  'maxima': (Buffer);
}
