// Original file: proto/logah/v1/logah.proto


export interface TensorSelection {
  'patterns'?: (string)[];
}

export interface TensorSelection__Output {
  'patterns': (string)[];
}
