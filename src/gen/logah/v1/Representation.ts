// Original file: proto/logah/v1/logah.proto

export const Representation = {
  REPRESENTATION_UNSPECIFIED: 'REPRESENTATION_UNSPECIFIED',
  REPRESENTATION_DENSE: 'REPRESENTATION_DENSE',
  REPRESENTATION_FACTORS: 'REPRESENTATION_FACTORS',
  REPRESENTATION_CORE: 'REPRESENTATION_CORE',
} as const;

export type Representation =
  | 'REPRESENTATION_UNSPECIFIED'
  | 0
  | 'REPRESENTATION_DENSE'
  | 1
  | 'REPRESENTATION_FACTORS'
  | 2
  | 'REPRESENTATION_CORE'
  | 3

export type Representation__Output = typeof Representation[keyof typeof Representation]
