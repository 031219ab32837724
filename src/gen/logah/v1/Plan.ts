// Original file: proto/logah/v1/logah.proto

import type { DataType as _logah_v1_DataType, DataType__Output as _logah_v1_DataType__Output } from '../../logah/v1/DataType';
import type { TensorPlan as _logah_v1_TensorPlan, TensorPlan__Output as _logah_v1_TensorPlan__Output } from '../../logah/v1/TensorPlan';
import type { Coverage as _logah_v1_Coverage, Coverage__Output as _logah_v1_Coverage__Output } from '../../logah/v1/Coverage';
import type { Warning as _logah_v1_Warning, Warning__Output as _logah_v1_Warning__Output } from '../../logah/v1/Warning';
import type { Expansion as _logah_v1_Expansion, Expansion__Output as _logah_v1_Expansion__Output } from '../../logah/v1/Expansion';
import type { Widening as _logah_v1_Widening, Widening__Output as _logah_v1_Widening__Output } from '../../logah/v1/Widening';
import type { ModuleCoverage as _logah_v1_ModuleCoverage, ModuleCoverage__Output as _logah_v1_ModuleCoverage__Output } from '../../logah/v1/ModuleCoverage';
import type { NamedConstant as _logah_v1_NamedConstant, NamedConstant__Output as _logah_v1_NamedConstant__Output } from '../../logah/v1/NamedConstant';
import type { Long } from '@grpc/proto-loader';

export interface Plan {
  'model'?: (string);
  'fingerprint'?: (string);
  'dtype'?: (_logah_v1_DataType);
  'tensors'?: (_logah_v1_TensorPlan)[];
  'totalBytes'?: (number | string | Long);
  'coverage'?: (_logah_v1_Coverage | null);
  'warnings'?: (_logah_v1_Warning)[];
  'nodes'?: (number);
  'family'?: (string);
  'denseBytes'?: (number | string | Long);
  'factorBytes'?: (number | string | Long);
  'coreBytes'?: (number | string | Long);
  'expansion'?: (_logah_v1_Expansion | null);
  'hasTokenizer'?: (boolean);
  'widening'?: (_logah_v1_Widening | null);
  'lift'?: (number | string);
  'modules'?: (_logah_v1_ModuleCoverage)[];
  'seededElements'?: (number | string | Long);
  'possibleCopies'?: (number)[];
  'strength'?: (number | string);
  'base'?: (number | string);
  'constants'?: (_logah_v1_NamedConstant)[];
  'notes'?: (string)[];
}

export interface Plan__Output {
  'model': (string);
  'fingerprint': (string);
  'dtype': (_logah_v1_DataType__Output);
  'tensors': (_logah_v1_TensorPlan__Output)[];
  'totalBytes': (number);
  'coverage': (_logah_v1_Coverage__Output | null);
  'warnings': (_logah_v1_Warning__Output)[];
  'nodes': (number);
  'family': (string);
  'denseBytes': (number);
  'factorBytes': (number);
  'coreBytes': (number);
  'expansion': (_logah_v1_Expansion__Output | null);
  'hasTokenizer': (boolean);
  'widening': (_logah_v1_Widening__Output | null);
  'lift': (number);
  'modules': (_logah_v1_ModuleCoverage__Output)[];
  'seededElements': (number);
  'possibleCopies': (number)[];
  'strength': (number);
  'base': (number);
  'constants': (_logah_v1_NamedConstant__Output)[];
  'notes': (string)[];
}
