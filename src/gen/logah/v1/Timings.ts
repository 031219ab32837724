// Original file: proto/logah/v1/logah.proto


export interface Timings {
  'planSeconds'?: (number | string);
  'encodeSeconds'?: (number | string);
  'streamSeconds'?: (number | string);
  'decodeSeconds'?: (number | string);
  'writeSeconds'?: (number | string);
}

export interface Timings__Output {
  'planSeconds': (number);
  'encodeSeconds': (number);
  'streamSeconds': (number);
  'decodeSeconds': (number);
  'writeSeconds': (number);
}
