// Original file: proto/logah/v1/logah.proto

export const Source = {
  SOURCE_UNSPECIFIED: 'SOURCE_UNSPECIFIED',
  SOURCE_PREDICTED: 'SOURCE_PREDICTED',
  SOURCE_TILED: 'SOURCE_TILED',
  SOURCE_INITIALIZED: 'SOURCE_INITIALIZED',
  SOURCE_TIED: 'SOURCE_TIED',
  SOURCE_KEPT: 'SOURCE_KEPT',
} as const;

export type Source =
  | 'SOURCE_UNSPECIFIED'
  | 0
  | 'SOURCE_PREDICTED'
  | 1
  | 'SOURCE_TILED'
  | 2
  | 'SOURCE_INITIALIZED'
  | 3
  | 'SOURCE_TIED'
  | 4
  | 'SOURCE_KEPT'
  | 5

export type Source__Output = typeof Source[keyof typeof Source]
