/** Files whose weights are inputs, as `export_params=False` writes them. */

import { invalidField } from '../../errors';
import { quoted } from '../../graph/violations';
import { FLOAT_TYPES } from '../../onnx-file/fields';
import { isStandard, ONNX_FIELD, type OnnxInput, type OnnxModel } from './model';

/** Operators, and which of their inputs are weights. */
const WEIGHTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['Conv', [1, 2]],
  ['ConvTranspose', [1, 2]],
  ['Gemm', [1, 2]],
  ['BatchNormalization', [1, 2, 3, 4]],
  ['LayerNormalization', [1, 2]],
  ['InstanceNormalization', [1, 2]],
  ['GroupNormalization', [1, 2]],
  ['LSTM', [1, 2, 3]],
  ['GRU', [1, 2, 3]],
  ['RNN', [1, 2, 3]],
  ['PRelu', [1]],
  ['MatMul', [1]],
  ['Gather', [0]],
  ['Add', [0, 1]],
  ['Mul', [0, 1]],
]);

/**
 * The model with inputs where weights stand as its tensors, if it has no others. Throws LogahError `invalid_argument`
 * where their shapes are not fixed.
 */
export function withWeightInputs(model: OnnxModel): OnnxModel {
  const known = new Set(model.initializers.map(({ name }) => name));
  const free = model.inputs.filter(({ name }) => !known.has(name));
  const hasWeights = model.initializers.some(
    ({ dataType, shape }) => FLOAT_TYPES.has(dataType) && shape.length > 0,
  );
  if (hasWeights || free.length < 2) return model;
  // The first is the data.
  const candidates = new Map(free.slice(1).map((input) => [input.name, input]));
  const weights = new Map<string, OnnxInput>();
  for (const node of model.nodes) {
    if (!isStandard(node)) continue;
    for (const at of WEIGHTS.get(node.operator) ?? []) {
      const input = candidates.get(node.inputs[at] ?? '');
      if (input !== undefined && FLOAT_TYPES.has(input.dataType || 1)) weights.set(input.name, input);
    }
  }
  const missing = [...weights.values()].find(({ shape }) => shape === undefined);
  if (missing !== undefined) {
    throw invalidField(
      ONNX_FIELD,
      `has its weights as inputs, and that of ${quoted(missing.name)} has no fixed shape; export the model with its ` +
        'weights inside (export_params=True)',
    );
  }
  const tensors = [...weights.values()].map(({ name, dataType, shape = [] }) => ({
    ...{ name, dataType: dataType || 1, shape },
    integers: undefined,
  }));
  return {
    ...model,
    inputs: model.inputs.filter(({ name }) => !weights.has(name)),
    initializers: [...model.initializers, ...tensors],
  };
}
