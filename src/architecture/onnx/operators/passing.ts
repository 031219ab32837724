/** Operators that move values, or change each by itself: the graph does not have them. */

import { CONSTANT, type Value } from '../values';
import { asData, joined, plain } from './as-data';
import { intsAttribute, operators, type Operators, type Reading } from './operator';

const MOVES = [
  ...[
    'Cast',
    'CastLike',
    'DepthToSpace',
    'Dropout',
    'Expand',
    'Flatten',
    'GatherElements',
    'GatherND',
    'Identity',
  ],
  ...[
    'Pad',
    'Reshape',
    'Resize',
    'ReverseSequence',
    'Slice',
    'SpaceToDepth',
    'Split',
    'Squeeze',
    'Tile',
    'Trilu',
  ],
  ...['Unsqueeze', 'Upsample'],
];

const ACTIVATIONS = [
  ...[
    'Celu',
    'Clip',
    'Elu',
    'Erf',
    'Gelu',
    'HardSigmoid',
    'HardSwish',
    'LeakyRelu',
    'LogSoftmax',
    'Mish',
    'Relu',
  ],
  ...['Selu', 'Shrink', 'Sigmoid', 'Softplus', 'Softsign', 'Swish', 'Tanh', 'ThresholdedRelu'],
];

const FUNCTIONS = [
  ...[
    'Abs',
    'Ceil',
    'Cos',
    'CumSum',
    'Exp',
    'Floor',
    'GlobalMaxPool',
    'Hardmax',
    'LRN',
    'Log',
    'LpNormalization',
  ],
  ...[
    'LpPool',
    'MeanVarianceNormalization',
    'Neg',
    'ReduceL1',
    'ReduceL2',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMin',
  ],
  ...['ReduceProd', 'ReduceSum', 'ReduceSumSquare', 'Round', 'Sign', 'Sin', 'TopK'],
];

const NUMBERS = [
  ...[
    'And',
    'ArgMax',
    'ArgMin',
    'BitwiseAnd',
    'BitwiseNot',
    'BitwiseOr',
    'ConstantOfShape',
    'Equal',
    'EyeLike',
  ],
  ...[
    'Greater',
    'GreaterOrEqual',
    'IsInf',
    'IsNaN',
    'Less',
    'LessOrEqual',
    'NonZero',
    'Not',
    'OneHot',
    'Or',
    'Range',
  ],
  ...['Shape', 'Size', 'Xor'],
];

export const passingOperators: Operators = {
  ...operators(MOVES, 'passed through', first),
  Transpose: {
    becomes: 'passed through',
    read(reading) {
      const value = first(reading);
      const order = intsAttribute(reading, 'perm');
      const isTransposed = order.length === 0 || (order.length === 2 && order[0] === 1);
      return value.kind === 'weight' && isTransposed ? { ...value, transposed: !value.transposed } : value;
    },
  },
  ...operators(ACTIVATIONS, 'passed through', (reading) => {
    const value = first(reading);
    // A hard sigmoid that is spelled out clips a sum with a constant.
    if (value.kind === 'constant' || value.kind === 'weight') return value;
    if (value.kind === 'statistic' && value.rooted) return value;
    const data = asData(value, reading);
    return { ...plain(data), activated: true, ...(data.scores && { scores: data.scores }) };
  }),
  ...operators(FUNCTIONS, 'passed through', (reading) => {
    const value = first(reading);
    return value.kind === 'data' || value.kind === 'lookup' ? plain(asData(value, reading)) : value;
  }),
  ...operators(NUMBERS, 'numbers, shapes and masks: nothing', () => CONSTANT),
};

/** The first input; where it is a number, what the others make of it. */
function first(reading: Reading): Value {
  const [value = CONSTANT] = reading.inputs;
  return value.kind === 'constant' && reading.inputs.length > 1 ? joined(reading.inputs, reading) : value;
}
