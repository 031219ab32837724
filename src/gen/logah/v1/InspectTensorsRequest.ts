// Original file: proto/logah/v1/logah.proto

import type { PredictRequest as _logah_v1_PredictRequest, PredictRequest__Output as _logah_v1_PredictRequest__Output } from '../../logah/v1/PredictRequest';

export interface InspectTensorsRequest {
  'request'?: (_logah_v1_PredictRequest | null);
  'histogramBins'?: (number);
  'histogramLow'?: (number | string);
  'histogramHigh'?: (number | string);
  'pictureRows'?: (number);
  'pictureColumns'?: (number);
  'singularValues'?: (number);
  '_histogramLow'?: "histogramLow";
  '_histogramHigh'?: "histogramHigh";
}

export interface InspectTensorsRequest__Output {
  'request': (_logah_v1_PredictRequest__Output | null);
  'histogramBins': (number);
  'histogramLow'?: (number);
  'histogramHigh'?: (number);
  'pictureRows': (number);
  'pictureColumns': (number);
  'singularValues': (number);
  '_histogramLow'?: "histogramLow";
  '_histogramHigh'?: "histogramHigh";
}
