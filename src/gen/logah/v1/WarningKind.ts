// Original file: proto/logah/v1/logah.proto

export const WarningKind = {
  WARNING_KIND_UNSPECIFIED: 'WARNING_KIND_UNSPECIFIED',
  WARNING_KIND_FAMILY: 'WARNING_KIND_FAMILY',
  WARNING_KIND_RANGE: 'WARNING_KIND_RANGE',
  WARNING_KIND_UNTRAINED: 'WARNING_KIND_UNTRAINED',
  WARNING_KIND_WIDENING: 'WARNING_KIND_WIDENING',
} as const;

export type WarningKind =
  | 'WARNING_KIND_UNSPECIFIED'
  | 0
  | 'WARNING_KIND_FAMILY'
  | 1
  | 'WARNING_KIND_RANGE'
  | 2
  | 'WARNING_KIND_UNTRAINED'
  | 3
  | 'WARNING_KIND_WIDENING'
  | 4

export type WarningKind__Output = typeof WarningKind[keyof typeof WarningKind]
