// Original file: proto/logah/v1/architecture.proto

export const Role = {
  ROLE_UNSPECIFIED: 'ROLE_UNSPECIFIED',
  ROLE_MATRIX: 'ROLE_MATRIX',
  ROLE_EMBEDDING: 'ROLE_EMBEDDING',
  ROLE_NORM_WEIGHT: 'ROLE_NORM_WEIGHT',
  ROLE_BIAS: 'ROLE_BIAS',
} as const;

export type Role =
  | 'ROLE_UNSPECIFIED'
  | 0
  | 'ROLE_MATRIX'
  | 1
  | 'ROLE_EMBEDDING'
  | 2
  | 'ROLE_NORM_WEIGHT'
  | 3
  | 'ROLE_BIAS'
  | 4

export type Role__Output = typeof Role[keyof typeof Role]
