/**
 * Finds rotary embeddings, x * cos + rotate(x) * sin with rotate(x) the halves of x exchanged and one of them negated,
 * and what their angles are computed from, which are no weights.
 */

import type { OnnxNode } from './model';

export interface Rotary {
  /** Sums of the two products. */
  readonly sums: ReadonlySet<OnnxNode>;
  /** The products, and which of their inputs is a cosine or sine. */
  readonly factors: ReadonlyMap<OnnxNode, number>;
  /** What leads to a cosine and a sine of the same angles. */
  readonly angles: ReadonlySet<OnnxNode>;
}

/** Operators that leave the values as they are, or move them. */
const MOVES: ReadonlySet<string> = new Set([
  'Cast',
  'Identity',
  'Reshape',
  'Transpose',
  'Unsqueeze',
  'Squeeze',
  'Expand',
]);

export function findRotary(
  nodes: readonly OnnxNode[],
  makerOf: (name: string) => OnnxNode | undefined,
): Rotary {
  const sums = new Set<OnnxNode>();
  const factors = new Map<OnnxNode, number>();
  for (const node of nodes) {
    if (node.operator !== 'Add') continue;
    const products = node.inputs.map(makerOf);
    const [a, b] = products;
    if (a?.operator !== 'Mul' || b?.operator !== 'Mul') continue;
    const [turned, straight] = halvesExchanged(a, makerOf) === undefined ? [b, a] : [a, b];
    const exchanged = halvesExchanged(turned, makerOf);
    if (exchanged === undefined) continue;
    const own = straight.inputs.findIndex((name) => name === exchanged.of);
    if (own === -1) continue;
    sums.add(node);
    factors.set(turned, 1 - exchanged.input);
    factors.set(straight, 1 - own);
  }
  return { sums, factors, angles: findAngles(nodes, makerOf) };
}

/** The input of a product that is some value with its halves exchanged, and that value; undefined where none is. */
function halvesExchanged(
  product: OnnxNode,
  makerOf: (name: string) => OnnxNode | undefined,
): { readonly input: number; readonly of: string } | undefined {
  for (const [input, name] of product.inputs.entries()) {
    const concat = makerOf(name);
    if (concat?.operator !== 'Concat' || concat.inputs.length !== 2) continue;
    const [negated, other] = concat.inputs.map(makerOf);
    if (negated?.operator !== 'Neg') continue;
    const half = makerOf(negated.inputs[0] ?? '');
    const isHalf = (node: OnnxNode | undefined): boolean =>
      node?.operator === 'Slice' || node?.operator === 'Split';
    const [of] = half?.inputs ?? [];
    if (isHalf(half) && isHalf(other) && of !== undefined && of === other?.inputs[0]) return { input, of };
  }
  return undefined;
}

function findAngles(
  nodes: readonly OnnxNode[],
  makerOf: (name: string) => OnnxNode | undefined,
): ReadonlySet<OnnxNode> {
  const angleOf = (node: OnnxNode): string => node.inputs[0] ?? '';
  const cosines = new Set(nodes.filter(({ operator }) => operator === 'Cos').map(angleOf));
  const both = nodes.filter((node) => node.operator === 'Sin' && cosines.has(angleOf(node))).map(angleOf);
  const angles = new Set<OnnxNode>();
  const queue = both;
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = makerOf(name);
    if (node === undefined || angles.has(node)) continue;
    // Angles are positions times frequencies: one product, and what brings the two into shape.
    if (!MOVES.has(node.operator) && !ANGLES.has(node.operator)) continue;
    angles.add(node);
    for (const input of node.inputs) queue.push(input);
  }
  return angles;
}

const ANGLES: ReadonlySet<string> = new Set(['MatMul', 'Mul', 'Einsum', 'Concat', 'Gather', 'Slice']);
