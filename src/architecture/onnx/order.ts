/** The nodes of an ONNX graph in the order of the data flow, and only those that an output depends on. */

import { invalidField } from '../../errors';
import { quoted, Violations } from '../../graph/violations';
import { ONNX_FIELD, type OnnxModel, type OnnxNode } from './model';
import { nodeName } from './read-model';

/** Nodes of a cycle named in its error. */
const NAMED = 8;

/**
 * Throws LogahError `invalid_argument` for names that are defined twice, inputs that nothing makes, and cycles, with
 * the nodes' names.
 */
export function orderedNodes(model: OnnxModel): OnnxNode[] {
  const { nodes, outputs } = model;
  if (nodes.length === 0) throw invalidField(ONNX_FIELD, 'has no nodes');
  if (outputs.length === 0) throw invalidField(ONNX_FIELD, 'has no outputs');
  const makers = definitions(model);
  const producersOf = ({ inputs }: OnnxNode): OnnxNode[] => inputs.flatMap((name) => makers.get(name) ?? []);

  // Depth first without recursion, from the outputs backwards.
  const state = new Uint8Array(nodes.length);
  const order: OnnxNode[] = [];
  const path: { readonly node: OnnxNode; readonly producers: readonly OnnxNode[]; next: number }[] = [];
  const enter = (node: OnnxNode): void => {
    state[node.index] = ENTERED;
    path.push({ node, producers: producersOf(node), next: 0 });
  };
  for (const output of outputs) {
    const maker = makers.get(output);
    if (maker && state[maker.index] === UNSEEN) enter(maker);
    for (let here = path.at(-1); here !== undefined; here = path.at(-1)) {
      const producer = here.producers[here.next++];
      if (producer === undefined) {
        state[here.node.index] = LEFT;
        order.push(here.node);
        path.pop();
      } else if (state[producer.index] === UNSEEN) {
        enter(producer);
      } else if (state[producer.index] === ENTERED) {
        throw cycle(path.map(({ node }) => node).slice(path.findIndex(({ node }) => node === producer)));
      }
    }
  }
  return order;
}

const UNSEEN = 0;
const ENTERED = 1;
const LEFT = 2;

/** The node that makes each value; undefined for inputs and initializers. */
function definitions(model: OnnxModel): ReadonlyMap<string, OnnxNode | undefined> {
  const violations = new Violations();
  const makers = new Map<string, OnnxNode | undefined>();
  model.initializers.forEach(({ name }, index) => {
    const field = `${ONNX_FIELD}.graph.initializer[${index}]`;
    if (name === '') violations.add(field, 'has no name');
    else if (makers.has(name)) violations.add(field, `${quoted(name)} is the name of another initializer`);
    makers.set(name, undefined);
  });
  // Old files list their initializers among the inputs too.
  for (const { name } of model.inputs) makers.set(name, undefined);
  for (const node of model.nodes) {
    for (const name of node.outputs) {
      if (name === '') continue;
      if (makers.has(name)) {
        const field = `${ONNX_FIELD}.graph.node[${node.index}].output`;
        violations.add(field, `of ${nodeName(node)}: ${quoted(name)} is made elsewhere too`);
      }
      makers.set(name, node);
    }
  }
  const check = (name: string, field: string, reader: string): void => {
    if (name !== '' && !makers.has(name))
      violations.add(field, `${reader} ${quoted(name)}, which nothing makes`);
  };
  for (const node of model.nodes) {
    for (const name of node.inputs)
      check(name, `${ONNX_FIELD}.graph.node[${node.index}].input`, `${nodeName(node)} reads`);
  }
  model.outputs.forEach((name, index) => {
    check(name, `${ONNX_FIELD}.graph.output[${index}]`, 'is');
  });
  violations.throwIfAny();
  return makers;
}

function cycle(nodes: readonly OnnxNode[]): Error {
  // The path leads backwards.
  const named = [...nodes].reverse().slice(0, NAMED).map(nodeName).join(' -> ');
  const rest = nodes.length - NAMED;
  return invalidField(ONNX_FIELD, `has a cycle: ${named}${rest > 0 ? ` -> ${rest} more` : ''}`);
}
