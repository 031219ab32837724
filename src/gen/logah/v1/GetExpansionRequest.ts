// Original file: proto/logah/v1/logah.proto


export interface GetExpansionRequest {
  'model'?: (string);
  'sha256'?: (string);
}

export interface GetExpansionRequest__Output {
  'model': (string);
  'sha256': (string);
}
