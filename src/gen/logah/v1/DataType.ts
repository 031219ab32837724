// Original file: proto/logah/v1/logah.proto

export const DataType = {
  DATA_TYPE_UNSPECIFIED: 'DATA_TYPE_UNSPECIFIED',
  DATA_TYPE_FLOAT32: 'DATA_TYPE_FLOAT32',
  DATA_TYPE_FLOAT16: 'DATA_TYPE_FLOAT16',
  DATA_TYPE_BFLOAT16: 'DATA_TYPE_BFLOAT16',
} as const;

export type DataType =
  | 'DATA_TYPE_UNSPECIFIED'
  | 0
  | 'DATA_TYPE_FLOAT32'
  | 1
  | 'DATA_TYPE_FLOAT16'
  | 2
  | 'DATA_TYPE_BFLOAT16'
  | 3

export type DataType__Output = typeof DataType[keyof typeof DataType]
