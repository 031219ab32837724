// Original file: proto/logah/v1/logah.proto


export interface GetExpansionResponse {
  'data'?: (Buffer | Uint8Array | string);
}

export interface GetExpansionResponse__Output {
  'data': (Buffer);
}
