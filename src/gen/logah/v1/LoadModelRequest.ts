// Original file: proto/logah/v1/admin.proto


export interface LoadModelRequest {
  'model'?: (string);
}

export interface LoadModelRequest__Output {
  'model': (string);
}
