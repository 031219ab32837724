// Original file: proto/logah/v1/logah.proto

import type { Long } from '@grpc/proto-loader';

export interface Model {
  'name'?: (string);
  'description'?: (string);
  'fingerprint'?: (string);
  'families'?: (string)[];
  'operations'?: (string)[];
  'rank'?: (number);
  'parameters'?: (number | string | Long);
  'license'?: (string);
  'decoder'?: (string);
  'trainingJson'?: (string);
  'tokenizerVocabSize'?: (number);
  'builtIn'?: (boolean);
}

export interface Model__Output {
  'name': (string);
  'description': (string);
  'fingerprint': (string);
  'families': (string)[];
  'operations': (string)[];
  'rank': (number);
  'parameters': (number);
  'license': (string);
  'decoder': (string);
  'trainingJson': (string);
  'tokenizerVocabSize': (number);
  'builtIn': (boolean);
}
