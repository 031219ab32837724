// Original file: proto/logah/v1/admin.proto


export interface UnloadModelRequest {
  'model'?: (string);
}

export interface UnloadModelRequest__Output {
  'model': (string);
}
