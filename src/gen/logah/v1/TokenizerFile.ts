// Original file: proto/logah/v1/logah.proto


export interface TokenizerFile {
  'name'?: (string);
  'data'?: (Buffer | Uint8Array | string);
}

export interface TokenizerFile__Output {
  'name': (string);
  'data': (Buffer);
}
