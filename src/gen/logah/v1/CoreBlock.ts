// Original file: proto/logah/v1/logah.proto

import type { CoreLayout as _logah_v1_CoreLayout, CoreLayout__Output as _logah_v1_CoreLayout__Output } from '../../logah/v1/CoreLayout';
import type { Initialization as _logah_v1_Initialization, Initialization__Output as _logah_v1_Initialization__Output } from '../../logah/v1/Initialization';
import type { Long } from '@grpc/proto-loader';

export interface CoreBlock {
  'row'?: (number | string | Long);
  'rows'?: (number | string | Long);
  'column'?: (number | string | Long);
  'columns'?: (number | string | Long);
  'layout'?: (_logah_v1_CoreLayout);
  'm'?: (number | string | Long);
  'n'?: (number | string | Long);
  'height'?: (number);
  'width'?: (number);
  'start'?: (number | string | Long);
  'length'?: (number | string | Long);
  'rule'?: (_logah_v1_Initialization | null);
  'lifted'?: (boolean);
}

export interface CoreBlock__Output {
  'row': (number);
  'rows': (number);
  'column': (number);
  'columns': (number);
  'layout': (_logah_v1_CoreLayout__Output);
  'm': (number);
  'n': (number);
  'height': (number);
  'width': (number);
  'start': (number);
  'length': (number);
  'rule': (_logah_v1_Initialization__Output | null);
  'lifted': (boolean);
}
