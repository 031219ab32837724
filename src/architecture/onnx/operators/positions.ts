/** Tables of positions that are added to tokens or to a feature map. */

import type { Block } from '../../../graph/graph';
import { FILLINGS } from '../fillings';
import { asStored } from '../orientation';
import { predicted } from '../origins';
import type { Data, Weight } from '../values';
import { learnedOf, plain, structural } from './as-data';
import type { Reading } from './operator';

/**
 * What the dynamo exporter calls the rows of an embedding that it has looked up itself, as it does with positions of a fixed
 * number.
 */
const LOOKED_UP = /^embedding(_\d+)?$/;

/** Data and the table of positions that is added to it. */
export function positioned(data: Data, table: Weight, reading: Reading): Data {
  const { network } = reading;
  const node = positions(table, data.tokens ?? 0, reading);
  if (node === undefined) {
    network.fill(table, FILLINGS.tokens);
    return { ...plain(data), learned: true };
  }
  const [only = data] = learnedOf([data]);
  return structural(reading, 'sum', [], { sources: network.union([only.sources, [node]]) });
}

/** The node of a table that the hypernetwork predicts; undefined for other shapes. */
function positions(table: Weight, tokens: number, { network }: Reading): number | undefined {
  const { name, shape } = table;
  const [first = 1, second = 1, third = 1] = shape;
  if (LOOKED_UP.test(name) && (shape.length === 2 || (shape.length === 3 && first === 1))) {
    const [rows = 1, columns = 1] = shape.slice(-2);
    const node = network.node(name, 'pos_enc', [rows, columns], [0], table);
    const axes = shape.map((_, axis) => axis);
    const layout = shape.length === 2 ? undefined : { order: axes, shape: [rows, columns] };
    network.predict(table, node, 'embedding', { shape: [rows, columns], layout, outputs: shape.length - 2 });
    return node;
  }
  if (shape.length === 2) {
    const node = network.node(name, 'pos_enc', shape, [], table);
    network.predict(table, node, 'embedding', asStored(shape));
    return node;
  }
  if (shape.length === 4 && first === 1) {
    const node = network.node(name, 'pos_enc', shape, [], table);
    network.predict(table, node, 'matrix', asStored(shape));
    return node;
  }
  // Of (1, t, c), a square of patches is predicted; positions of learned tokens in front of it are not.
  const patches = second - tokens;
  if (shape.length !== 3 || first !== 1 || patches < 2 || third < 2) return undefined;
  const side = Math.floor(Math.sqrt(patches));
  const node = network.node(name, 'pos_enc', [1, third, side, side], [], table);
  const square = predicted(patches, node, 'matrix');
  const noise: Block = { length: tokens, origin: { kind: 'initialization', ...FILLINGS.tokens } };
  network.assign(table, 1, tokens > 0 ? [noise, square] : [square]);
  return node;
}
