// Original file: proto/logah/v1/logah.proto


export interface Expansion {
  'sha256'?: (string);
  'rows'?: (number);
  'rank'?: (number);
}

export interface Expansion__Output {
  'sha256': (string);
  'rows': (number);
  'rank': (number);
}
