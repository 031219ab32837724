/** Calls of functions that the file brings along. */

import type { OnnxAttribute, OnnxFunction, OnnxNode } from '../model';
import { scoped } from './scope';

/** What a call stands for: the function's nodes, on the call's inputs and with its attributes. */
export function calledNodes(called: OnnxFunction, call: OnnxNode, scope: string): OnnxNode[] {
  const names = new Map<string, string>();
  for (const { outputs } of called.nodes) {
    for (const name of outputs) if (name !== '') names.set(name, `${scope}/${name}`);
  }
  // A result that nobody takes still needs a name.
  called.outputs.forEach((name, index) => {
    const { [index]: taken = '' } = call.outputs;
    names.set(name, taken === '' ? `${scope}/${name}` : taken);
  });
  called.inputs.forEach((name, index) => names.set(name, call.inputs[index] ?? ''));
  return called.nodes.map((node) => {
    const { attributes, ...rest } = scoped(node, (name) => names.get(name));
    return { ...rest, name: `${scope}/${node.name}`, attributes: filledIn(attributes, call, called) };
  });
}

function filledIn(
  attributes: ReadonlyMap<string, OnnxAttribute>,
  call: OnnxNode,
  { defaults }: OnnxFunction,
): ReadonlyMap<string, OnnxAttribute> {
  const filled = new Map<string, OnnxAttribute>();
  for (const [key, attribute] of attributes) {
    const { reference } = attribute;
    const given = reference === '' ? attribute : (call.attributes.get(reference) ?? defaults.get(reference));
    // An attribute that the call leaves out is left out inside.
    if (given !== undefined) filled.set(key, given);
  }
  return filled;
}
