// Original file: proto/logah/v1/logah.proto

import type { TokenizerFile as _logah_v1_TokenizerFile, TokenizerFile__Output as _logah_v1_TokenizerFile__Output } from '../../logah/v1/TokenizerFile';

export interface GetTokenizerResponse {
  'files'?: (_logah_v1_TokenizerFile)[];
}

export interface GetTokenizerResponse__Output {
  'files': (_logah_v1_TokenizerFile__Output)[];
}
