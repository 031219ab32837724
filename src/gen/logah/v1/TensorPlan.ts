// Original file: proto/logah/v1/logah.proto

import type { Source as _logah_v1_Source, Source__Output as _logah_v1_Source__Output } from '../../logah/v1/Source';
import type { FactorBlock as _logah_v1_FactorBlock, FactorBlock__Output as _logah_v1_FactorBlock__Output } from '../../logah/v1/FactorBlock';
import type { CoreBlock as _logah_v1_CoreBlock, CoreBlock__Output as _logah_v1_CoreBlock__Output } from '../../logah/v1/CoreBlock';
import type { Long } from '@grpc/proto-loader';

export interface TensorPlan {
  'name'?: (string);
  'shape'?: (number | string | Long)[];
  'source'?: (_logah_v1_Source);
  'rank'?: (number);
  'bytes'?: (number | string | Long);
  'offset'?: (number | string | Long);
  'tiedTo'?: (string);
  'sent'?: (boolean);
  'predictedElements'?: (number | string | Long);
  'tiledElements'?: (number | string | Long);
  'initializedElements'?: (number | string | Long);
  'sentStart'?: (number | string | Long)[];
  'sentShape'?: (number | string | Long)[];
  'factors'?: (_logah_v1_FactorBlock)[];
  'core'?: (_logah_v1_CoreBlock)[];
  'view'?: (number | string | Long)[];
  'startedElements'?: (number | string | Long);
}

export interface TensorPlan__Output {
  'name': (string);
  'shape': (number)[];
  'source': (_logah_v1_Source__Output);
  'rank': (number);
  'bytes': (number);
  'offset': (number);
  'tiedTo': (string);
  'sent': (boolean);
  'predictedElements': (number);
  'tiledElements': (number);
  'initializedElements': (number);
  'sentStart': (number)[];
  'sentShape': (number)[];
  'factors': (_logah_v1_FactorBlock__Output)[];
  'core': (_logah_v1_CoreBlock__Output)[];
  'view': (number)[];
  'startedElements': (number);
}
