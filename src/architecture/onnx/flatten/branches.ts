/** The branch of an `If` that is the network. */

import { invalidField } from '../../../errors';
import { FLOAT_TYPES } from '../../../onnx-file/fields';
import { ONNX_FIELD, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../model';
import { nodeName } from '../read-model';

/**
 * The branch that a constant condition chooses; else the one with all the weights, be they its own or, by the name that
 * it reads, from `outside`. Throws LogahError `invalid_argument` where data chooses and each branch has weights of its own
 * use.
 */
export function chosenBranch(
  node: OnnxNode,
  condition: readonly number[] | undefined,
  outside: (name: string) => OnnxTensor | undefined,
): OnnxGraph {
  const [yes, no] = ['then_branch', 'else_branch'].map((name) => node.attributes.get(name)?.graph);
  if (yes === undefined || no === undefined)
    throw invalidField(ONNX_FIELD, `${nodeName(node)} lacks a branch`);
  const [value] = condition ?? [];
  if (value !== undefined) return value === 0 ? no : yes;
  const [first, second] = [weightsOf(yes, outside), weightsOf(no, outside)];
  const [hasMore, hasLess] = [!includes(second, first), !includes(first, second)];
  if (hasMore && hasLess) {
    throw invalidField(
      ONNX_FIELD,
      `${nodeName(node)} chooses between two branches with weights by its data; export each of them as a model of its own`,
    );
  }
  if (hasMore !== hasLess) return hasMore ? yes : no;
  return yes.nodes.length >= no.nodes.length ? yes : no;
}

function includes(all: ReadonlySet<OnnxTensor>, some: ReadonlySet<OnnxTensor>): boolean {
  return [...some].every((each) => all.has(each));
}

/** Tensors of more than one element, inside and of those that are read from outside. */
function weightsOf(
  { nodes, initializers, outputs }: OnnxGraph,
  outside: (name: string) => OnnxTensor | undefined,
): Set<OnnxTensor> {
  const read = [...outputs, ...nodes.flatMap(({ inputs }) => inputs)].map(outside);
  const attributes = nodes.flatMap((node) => [...node.attributes.values()]);
  const tensors = [...initializers, ...read, ...attributes.map(({ tensor }) => tensor)];
  const nested = attributes.flatMap(({ graph }) => (graph ? [...weightsOf(graph, outside)] : []));
  return new Set([...tensors.filter((tensor) => tensor !== undefined).filter(isWeight), ...nested]);
}

function isWeight({ shape, dataType }: OnnxTensor): boolean {
  return FLOAT_TYPES.has(dataType) && shape.some((size) => size > 1);
}
