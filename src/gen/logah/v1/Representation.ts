// Original file: proto/logah/v1/logah.proto

export const Representation = {
  REPRESENTATION_UNSPECIFIED: 'REPRESENTATION_UNSPECIFIED',
  REPRESENTATION_DENSE: 'REPRESENTATION_DENSE',
  REPRESENTATION_FACTORS: 'REPRESENTATION_FACTORS',
} as const;

export type Representation =
  | 'REPRESENTATION_UNSPECIFIED'
  | 0
  | 'REPRESENTATION_DENSE'
  | 1
  | 'REPRESENTATION_FACTORS'
  | 2

export type Representation__Output = typeof Representation[keyof typeof Representation]
