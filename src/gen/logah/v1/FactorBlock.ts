// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface FactorBlock {
  'row'?: (number | string | Long);
  'rows'?: (number | string | Long);
  'column'?: (number | string | Long);
  'columns'?: (number | string | Long);
  'm'?: (number | string | Long);
  'n'?: (number | string | Long);
  'rank'?: (number);
}

export interface FactorBlock__Output {
  'row': (number);
  'rows': (number);
  'column': (number);
  'columns': (number);
  'm': (number);
  'n': (number);
  'rank': (number);
}
