// Original file: proto/logah/v1/logah.proto


export interface Spectrum {
  'values'?: (number | string)[];
  'rank'?: (number);
  'squares'?: (number | string);
}

export interface Spectrum__Output {
  'values': (number)[];
  'rank': (number);
  'squares': (number);
}
