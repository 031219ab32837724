/** Operators that move values, or change each by itself: the graph does not have them. */

import { CONSTANT, type Value, type WeightValue } from '../values';
import { lastTwoExchanged, permuted, reshaped, squeezed, unsqueezed, type View } from '../weight-view';
import { asData, joined, plain } from './as-data';
import {
  intAttribute,
  intsAttribute,
  operators,
  type Operator,
  type Operators,
  type Reading,
} from './operator';

/** They move elements, or take some of them. */
const MOVES = [
  ...['CenterCropPad', 'Col2Im', 'Compress', 'DepthToSpace', 'GatherElements', 'GatherND', 'GridSample'],
  ...['MaxUnpool', 'Pad', 'ReverseSequence', 'RoiAlign', 'Slice', 'SpaceToDepth', 'Split'],
  ...['TensorScatter', 'Tile', 'Trilu', 'Bernoulli'],
  ...['SplitToSequence', 'SequenceAt', 'SequenceConstruct', 'SequenceInsert', 'SequenceErase'],
  ...['ConcatFromSequence', 'Optional', 'OptionalGetElement'],
];

/** They leave a weight as it is. */
const COPIES = ['Cast', 'CastLike', 'Dropout', 'Expand', 'Identity'];

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
  ...['Abs', 'Ceil', 'Cos', 'CumSum', 'DFT', 'Det', 'Exp', 'Floor', 'GlobalMaxPool', 'Hardmax', 'LRN', 'Log'],
  ...['Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cosh', 'Sinh', 'Tan', 'CumProd'],
  ...['LpNormalization', 'LpPool', 'GlobalLpPool', 'MaxRoiPool', 'MeanVarianceNormalization', 'Neg'],
  ...['Round', 'STFT', 'Sign', 'Sin', 'TopK', 'AffineGrid'],
];

const REDUCTIONS = [
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMin', 'ReduceProd'],
  ...['ReduceSum', 'ReduceSumSquare'],
];

const NUMBERS = [
  ...['And', 'ArgMax', 'ArgMin', 'BitShift', 'BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor', 'Equal'],
  ...['EyeLike', 'Greater', 'GreaterOrEqual', 'IsInf', 'IsNaN', 'Less', 'LessOrEqual', 'NonMaxSuppression'],
  ...['NonZero', 'Not', 'OneHot', 'OptionalHasElement', 'Or', 'Range', 'SequenceEmpty', 'SequenceLength'],
  ...['Shape', 'Size', 'Unique', 'Xor'],
  ...['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Multinomial'],
  ...['BlackmanWindow', 'HammingWindow', 'HannWindow', 'MelWeightMatrix'],
];

export const passingOperators: Operators = {
  ...operators(MOVES, 'passed through', (reading) => {
    const value = first(reading);
    return value.kind === 'weight' ? withView(value, undefined) : value;
  }),
  ...operators(['Resize', 'Upsample'], 'passed through; its scales are no parameters', (reading) => {
    for (const scales of reading.inputs.slice(1)) {
      if (scales?.kind !== 'weight') continue;
      for (const weight of scales.weights) reading.network.constant(weight, 'the scales of a resizing');
    }
    return first(reading);
  }),
  ...operators(COPIES, 'passed through', first),
  Transpose: moving((value, reading) => {
    const order = intsAttribute(reading, 'perm');
    const view = intsAttribute(reading, 'last_two').length > 0 ? lastTwoExchanged : undefined;
    const turned = ({ view: old }: WeightValue): View => view?.(old) ?? permuted(old, order);
    const { parts } = value;
    if (parts === undefined) return { ...value, view: turned(value) };
    const values = parts.values.map((part) => ({ ...part, view: turned(part) }));
    const rank = values[0]?.view?.length ?? 0;
    const axis = order.length === 0 ? rank - 1 - parts.axis : order.indexOf(parts.axis);
    return { ...value, view: undefined, parts: { axis, values } };
  }),
  Reshape: moving((value, reading) => withView(value, reshaped(value.view, reading.integersOf(1)))),
  Flatten: moving((value, reading) => {
    const { view = [] } = value;
    const axis = intAttribute(reading, 'axis', 1);
    const size = (axes: View): number => (axes ?? []).reduce((product, each) => product * each.size, 1);
    return withView(value, reshaped(view, [size(view.slice(0, axis)), size(view.slice(axis))]));
  }),
  Squeeze: moving((value, reading) => withView(value, squeezed(value.view, axesOf(reading)))),
  Unsqueeze: moving((value, reading) => withView(value, unsqueezed(value.view, axesOf(reading)))),
  QuantizeLinear: { becomes: 'passed through; its scale is no parameter', read: quantized },
  DynamicQuantizeLinear: { becomes: 'passed through', read: first },
  DequantizeLinear: {
    becomes: 'the weight of a layer, where it is of a tensor of the file; its scale is no parameter',
    read: quantized,
  },
  ConstantOfShape: {
    becomes: 'a weight, where a layer reads it; else nothing',
    read(reading) {
      const shape = reading.integersOf(0);
      const tensor = reading.node.attributes.get('value')?.tensor;
      const isWeight = shape !== undefined && shape.length > 0 && shape.some((size) => size > 1);
      const [name = ''] = reading.node.outputs;
      return isWeight
        ? reading.weights.add(name, { shape, dataType: tensor?.dataType ?? FLOAT }, true)
        : CONSTANT;
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
  ...operators(REDUCTIONS, 'passed through', (reading) => {
    const value = first(reading);
    if (value.kind === 'weight') return { ...withView(value, undefined), reduced: true };
    return value.kind === 'data' || value.kind === 'lookup' ? plain(asData(value, reading)) : value;
  }),
  ...operators(NUMBERS, 'numbers, shapes and masks: nothing', () => CONSTANT),
};

/** `TensorProto.DataType`. */
const FLOAT = 1;

/** An operator that shows a weight in another shape, and passes everything else through. */
function moving(move: (value: WeightValue, reading: Reading) => WeightValue): Operator {
  return {
    becomes: 'passed through',
    read(reading) {
      const value = first(reading);
      return value.kind === 'weight' ? move(value, reading) : value;
    },
  };
}

function withView(value: WeightValue, view: View): WeightValue {
  return { ...value, view, parts: undefined };
}

/** Axes are an attribute in old files, and an input in new ones. */
function axesOf(reading: Reading): readonly number[] | undefined {
  const ints = intsAttribute(reading, 'axes');
  return ints.length > 0 ? ints : reading.integersOf(1);
}

/** The first input, rounded or not; scales and zero points are numbers. */
function quantized(reading: Reading): Value {
  const [value, ...scales] = reading.inputs;
  for (const scale of scales) {
    if (scale?.kind !== 'weight') continue;
    for (const weight of scale.weights) reading.network.constant(weight, 'the scale of a quantised tensor');
  }
  return value ?? CONSTANT;
}

/** The first input; where it is a number, what the others make of it. */
function first(reading: Reading): Value {
  const [value = CONSTANT] = reading.inputs;
  return value.kind === 'constant' && reading.inputs.length > 1 ? joined(reading.inputs, reading) : value;
}
