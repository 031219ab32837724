import { onnxGraph } from '../../../src/architecture/onnx';
import { fillingNumbers } from '../../../src/graph/filling';
import type { ArchitectureGraph, Block, GraphNode } from '../../../src/graph/graph';
import { generousLimits } from '../requests';
import { model, type ModelText } from './onnx-bytes';

export function read(content: ModelText | Uint8Array, limits = generousLimits): ArchitectureGraph {
  return onnxGraph(content instanceof Uint8Array ? content : model(content), limits);
}

/** Each node as `operation name shape <- sources`, without what it has not. */
export function described({ nodes, edges }: ArchitectureGraph): string[] {
  const nameOf = (node: GraphNode | undefined): string =>
    node?.operation === 'input' ? 'input' : (node?.name ?? '');
  return nodes.slice(1).map((node, index) => {
    const sources = edges
      .filter(({ target }) => target === index + 1)
      .map(({ source }) => nameOf(nodes[source]));
    const shape = node.shape.length > 0 ? ` [${node.shape.join()}]` : '';
    return `${node.operation} ${node.name}${shape}${sources.length > 0 ? ` <- ${sources.join(' + ')}` : ''}`;
  });
}

/** Where each parameter's values come from: `role of node`, or the rule and its number. */
export function origins({ nodes, parameters }: ArchitectureGraph): Record<string, string> {
  const origin = ({ length, origin: from }: Block): string => {
    if (from.kind === 'prediction') {
      const slot = from.slot > 0 ? ` slot ${from.slot}` : '';
      return `${from.role} of ${nodes[from.node]?.name ?? ''}${slot}${from.classifier ? ' (classifier)' : ''}`;
    }
    const numbers = fillingNumbers(from).filter((number) => number !== 0);
    return [length, from.rule, ...numbers].join(' ');
  };
  return Object.fromEntries(parameters.map(({ name, blocks }) => [name, blocks.map(origin).join(', ')]));
}
