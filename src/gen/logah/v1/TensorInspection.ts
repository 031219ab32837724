// Original file: proto/logah/v1/logah.proto

import type { Histogram as _logah_v1_Histogram, Histogram__Output as _logah_v1_Histogram__Output } from '../../logah/v1/Histogram';
import type { Picture as _logah_v1_Picture, Picture__Output as _logah_v1_Picture__Output } from '../../logah/v1/Picture';
import type { Spectrum as _logah_v1_Spectrum, Spectrum__Output as _logah_v1_Spectrum__Output } from '../../logah/v1/Spectrum';
import type { Long } from '@grpc/proto-loader';

export interface TensorInspection {
  'name'?: (string);
  'start'?: (number | string | Long)[];
  'shape'?: (number | string | Long)[];
  'elements'?: (number | string | Long);
  'minimum'?: (number | string);
  'maximum'?: (number | string);
  'mean'?: (number | string);
  'standardDeviation'?: (number | string);
  'zeros'?: (number | string | Long);
  'histogram'?: (_logah_v1_Histogram | null);
  'picture'?: (_logah_v1_Picture | null);
  'spectrum'?: (_logah_v1_Spectrum | null);
}

export interface TensorInspection__Output {
  'name': (string);
  'start': (number)[];
  'shape': (number)[];
  'elements': (number);
  'minimum': (number);
  'maximum': (number);
  'mean': (number);
  'standardDeviation': (number);
  'zeros': (number);
  'histogram': (_logah_v1_Histogram__Output | null);
  'picture': (_logah_v1_Picture__Output | null);
  'spectrum': (_logah_v1_Spectrum__Output | null);
}
