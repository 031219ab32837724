// Original file: proto/logah/v1/architecture.proto

export const Function = {
  FUNCTION_UNSPECIFIED: 'FUNCTION_UNSPECIFIED',
  FUNCTION_LOG: 'FUNCTION_LOG',
  FUNCTION_INVERSE_SOFTPLUS: 'FUNCTION_INVERSE_SOFTPLUS',
} as const;

export type Function =
  | 'FUNCTION_UNSPECIFIED'
  | 0
  | 'FUNCTION_LOG'
  | 1
  | 'FUNCTION_INVERSE_SOFTPLUS'
  | 2

export type Function__Output = typeof Function[keyof typeof Function]
