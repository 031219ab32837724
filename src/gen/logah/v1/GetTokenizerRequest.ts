// Original file: proto/logah/v1/logah.proto


export interface GetTokenizerRequest {
  'model'?: (string);
}

export interface GetTokenizerRequest__Output {
  'model': (string);
}
