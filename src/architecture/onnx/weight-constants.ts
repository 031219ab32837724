/** Files that hold every tensor in a `Constant` node, as some converters and optimisers write them. */

import { FLOAT_TYPES } from '../../onnx-file/fields';
import { isStandard, type OnnxModel, type OnnxNode, type OnnxTensor } from './model';

/** The model with the tensors of its `Constant` nodes as its own, if it has none that may be weights. */
export function withWeightConstants(model: OnnxModel): OnnxModel {
  const quantized = new Set(
    model.nodes.flatMap(({ operator, inputs: [name = ''] }) =>
      operator === 'DequantizeLinear' ? [name] : [],
    ),
  );
  const isWeight = ({ name, dataType, shape }: OnnxTensor): boolean =>
    shape.length > 0 && (FLOAT_TYPES.has(dataType) || quantized.has(name));
  if (model.initializers.some(isWeight)) return model;
  const found = model.nodes.flatMap((node) => {
    const tensor = tensorOf(node);
    return tensor !== undefined && isWeight(tensor) ? [{ node, tensor }] : [];
  });
  if (found.length === 0) return model;
  const moved = new Set(found.map(({ node }) => node));
  return {
    ...model,
    // What makes nothing is in nobody's way, and the others keep their positions.
    nodes: model.nodes.map((node) => (moved.has(node) ? { ...node, outputs: [] } : node)),
    initializers: [...model.initializers, ...found.map(({ tensor }) => tensor)],
  };
}

/** By the name of the node's result. */
function tensorOf(node: OnnxNode): OnnxTensor | undefined {
  const [name = ''] = node.outputs;
  const tensor = node.attributes.get('value')?.tensor;
  const isConstant = node.operator === 'Constant' && isStandard(node);
  return isConstant && tensor !== undefined && name !== '' ? { ...tensor, name } : undefined;
}
