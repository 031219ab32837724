/** What a box says, and how large it is. */

import { formatShape, formatShort } from '../ui/format';
import type { Network } from '../state/network';
import { operationClass, originClass } from './colours';
import type { Group } from './hierarchy';

/** What decides a box's colour. */
export type ColourBy = 'operation' | 'origin';

/** A box's words and size. */
export interface BoxContent {
  readonly title: string;
  readonly detail: string;
  /** Shares of the box's stripe, by class. */
  readonly stripe: readonly { readonly name: string; readonly share: number }[];
  readonly width: number;
  readonly height: number;
}

const CHARACTER = 7.2;
const SMALL_CHARACTER = 6.1;
const MOST_CHARACTERS = 30;

/** The content of a group's box. */
export function boxContent(group: Group, network: Network, colourBy: ColourBy): BoxContent {
  const title = shortened(group.kind === 'layer' ? group.label.replace(/\.(weight|bias)$/, '') : group.label);
  const detail = shortened(detailOf(group, network));
  const isGroup = group.children.length > 0;
  const width = Math.max(
    84,
    Math.max(title.length * CHARACTER + (isGroup ? 22 : 0), detail.length * SMALL_CHARACTER) + 30,
  );
  return {
    title,
    detail,
    stripe: stripeOf(group, network, colourBy),
    width,
    height: detail === '' ? 32 : 46,
  };
}

function detailOf({ kind, nodes, children }: Group, { graph, tensorsOfNode }: Network): string {
  if (kind === 'layer') {
    const [first] = nodes;
    const node = first === undefined ? undefined : graph.nodes[first];
    if (node === undefined) return '';
    const shape = node.shape.length > 0 ? ` ${formatShape(node.shape.map(Number))}` : '';
    const more =
      nodes.length > 1
        ? ` + ${nodes
            .slice(1)
            .map((at) => graph.nodes[at]?.operation)
            .join(' + ')}`
        : '';
    return `${node.operation}${shape}${more}`;
  }
  const elements = nodes
    .flatMap((node) => tensorsOfNode[node] ?? [])
    .reduce((sum, tensor) => sum + tensor.elements / Math.max(1, tensor.nodes.length), 0);
  const what = kind === 'stack' ? `${children.length} equal blocks` : `${nodes.length} nodes`;
  return elements > 0 ? `${what}, ${formatShort(Math.round(elements))} parameters` : what;
}

/** By operation, shares of nodes; by origin, shares of parameters. */
function stripeOf(group: Group, network: Network, colourBy: ColourBy): BoxContent['stripe'] {
  const amounts = new Map<string, number>();
  const add = (name: string, amount: number): void => {
    if (amount > 0) amounts.set(name, (amounts.get(name) ?? 0) + amount);
  };
  for (const node of group.nodes) {
    if (colourBy === 'operation') {
      // What has no parameters colours only boxes in which nothing has.
      const operation = network.graph.nodes[node]?.operation ?? '';
      const isJoin = operation === 'sum' || operation === 'concat' || operation === 'input';
      add(operationClass(operation), isJoin && group.nodes.length > 1 ? 0 : 1);
      continue;
    }
    for (const tensor of network.tensorsOfNode[node] ?? []) {
      const part = 1 / Math.max(1, tensor.nodes.length);
      add('origin-predicted', tensor.predicted * part);
      add('origin-tiled', tensor.tiled * part);
      add('origin-rule', tensor.initialized * part);
      if (tensor.origin === 'tied' || tensor.origin === 'kept')
        add(originClass(tensor.origin), tensor.elements * part);
    }
  }
  const total = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
  if (total === 0) return [{ name: colourBy === 'origin' ? originClass(undefined) : 'op-other', share: 1 }];
  return [...amounts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, amount]) => ({ name, share: amount / total }));
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
