/** The branch of an `If` that is the network. */

import { invalidField } from '../../../errors';
import { FLOAT_TYPES } from '../../../onnx-file/fields';
import { ONNX_FIELD, type OnnxGraph, type OnnxNode } from '../model';
import { nodeName } from '../read-model';

/**
 * The branch that a constant condition chooses; else the one with weights. Throws LogahError `invalid_argument` where
 * both have weights and data chooses between them.
 */
export function chosenBranch(node: OnnxNode, condition: readonly number[] | undefined): OnnxGraph {
  const [yes, no] = ['then_branch', 'else_branch'].map((name) => node.attributes.get(name)?.graph);
  if (yes === undefined || no === undefined)
    throw invalidField(ONNX_FIELD, `${nodeName(node)} lacks a branch`);
  const [value] = condition ?? [];
  if (value !== undefined) return value === 0 ? no : yes;
  const [first, second] = [hasWeights(yes), hasWeights(no)];
  if (!first && !second) return yes.nodes.length >= no.nodes.length ? yes : no;
  if (first && second) {
    throw invalidField(
      ONNX_FIELD,
      `${nodeName(node)} chooses between two branches with weights by its data; export each of them as a model of its own`,
    );
  }
  return first ? yes : no;
}

/** Whether there are tensors of more than one element inside. */
function hasWeights({ nodes, initializers }: OnnxGraph): boolean {
  const isWeight = ({ shape, dataType }: { shape: readonly number[]; dataType: number }): boolean =>
    FLOAT_TYPES.has(dataType) && shape.some((size) => size > 1);
  return (
    initializers.some(isWeight) ||
    nodes.some(({ attributes }) =>
      [...attributes.values()].some(
        ({ tensor, graph }) =>
          (tensor !== undefined && isWeight(tensor)) || (graph !== undefined && hasWeights(graph)),
      ),
    )
  );
}
