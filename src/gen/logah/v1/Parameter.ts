// Original file: proto/logah/v1/architecture.proto

import type { Block as _logah_v1_Block, Block__Output as _logah_v1_Block__Output } from '../../logah/v1/Block';
import type { Keep as _logah_v1_Keep, Keep__Output as _logah_v1_Keep__Output } from '../../logah/v1/Keep';
import type { TensorLayout as _logah_v1_TensorLayout, TensorLayout__Output as _logah_v1_TensorLayout__Output } from '../../logah/v1/TensorLayout';
import type { Long } from '@grpc/proto-loader';

export interface Parameter {
  'name'?: (string);
  'shape'?: (number | string | Long)[];
  'blocks'?: (_logah_v1_Block)[];
  'axis'?: (number);
  'tiedTo'?: (string);
  'view'?: (number | string | Long)[];
  'keep'?: (_logah_v1_Keep);
  'repetitions'?: (number);
  'layout'?: (_logah_v1_TensorLayout | null);
}

export interface Parameter__Output {
  'name': (string);
  'shape': (number)[];
  'blocks': (_logah_v1_Block__Output)[];
  'axis': (number);
  'tiedTo': (string);
  'view': (number)[];
  'keep': (_logah_v1_Keep__Output);
  'repetitions': (number);
  'layout': (_logah_v1_TensorLayout__Output | null);
}
