// Original file: proto/logah/v1/logah.proto

import type { TensorDigest as _logah_v1_TensorDigest, TensorDigest__Output as _logah_v1_TensorDigest__Output } from '../../logah/v1/TensorDigest';
import type { Timings as _logah_v1_Timings, Timings__Output as _logah_v1_Timings__Output } from '../../logah/v1/Timings';
import type { Long } from '@grpc/proto-loader';

export interface Summary {
  'digests'?: (_logah_v1_TensorDigest)[];
  'totalBytes'?: (number | string | Long);
  'timings'?: (_logah_v1_Timings | null);
  'peakMemoryBytes'?: (number | string | Long);
}

export interface Summary__Output {
  'digests': (_logah_v1_TensorDigest__Output)[];
  'totalBytes': (number);
  'timings': (_logah_v1_Timings__Output | null);
  'peakMemoryBytes': (number);
}
