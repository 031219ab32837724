// Original file: proto/logah/v1/architecture.proto


export interface Edge {
  'source'?: (number);
  'target'?: (number);
}

export interface Edge__Output {
  'source': (number);
  'target': (number);
}
