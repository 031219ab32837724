/** Operators of `ai.onnx.ml` that prepare the input, or read a class off the output. */

import { CONSTANT } from '../values';
import { joined } from './as-data';
import { operators, type Operators } from './operator';

export const mlOperators: Operators = {
  ...operators(
    [
      'Binarizer',
      'FeatureVectorizer',
      'Imputer',
      'Normalizer',
      'OneHotEncoder',
      'Scaler',
      'CastMap',
      'DictVectorizer',
    ],
    'passed through',
    (reading) => joined(reading.inputs, reading),
  ),
  ...operators(
    ['ArrayFeatureExtractor', 'CategoryMapper', 'LabelEncoder', 'ZipMap'],
    'passed through',
    (reading) => {
      // Names of classes are no parameters.
      const data = reading.inputs.filter((value) => value?.kind !== 'weight');
      for (const value of reading.inputs) {
        if (value?.kind !== 'weight') continue;
        for (const weight of value.weights) reading.network.constant(weight, 'names of classes');
      }
      return data.length > 0 ? joined(data, reading) : CONSTANT;
    },
  ),
};
