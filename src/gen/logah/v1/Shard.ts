// Original file: proto/logah/v1/logah.proto


export interface Shard {
  'index'?: (number);
  'count'?: (number);
}

export interface Shard__Output {
  'index': (number);
  'count': (number);
}
