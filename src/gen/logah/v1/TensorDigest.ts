// Original file: proto/logah/v1/logah.proto


export interface TensorDigest {
  'name'?: (string);
  'crc32'?: (number);
  'sha256'?: (Buffer | Uint8Array | string);
}

export interface TensorDigest__Output {
  'name': (string);
  'crc32': (number);
  'sha256': (Buffer);
}
