// Original file: proto/logah/v1/architecture.proto

export const Keep = {
  KEEP_UNSPECIFIED: 'KEEP_UNSPECIFIED',
  KEEP_ALWAYS: 'KEEP_ALWAYS',
  KEEP_UNLESS_PREDICTED: 'KEEP_UNLESS_PREDICTED',
} as const;

export type Keep =
  | 'KEEP_UNSPECIFIED'
  | 0
  | 'KEEP_ALWAYS'
  | 1
  | 'KEEP_UNLESS_PREDICTED'
  | 2

export type Keep__Output = typeof Keep[keyof typeof Keep]
