// Original file: proto/logah/v1/admin.proto


export interface BrokenBundle {
  'directory'?: (string);
  'reason'?: (string);
  'serving'?: (string);
}

export interface BrokenBundle__Output {
  'directory': (string);
  'reason': (string);
  'serving': (string);
}
