/** Blocks that are filled by rule: drawn here, with the numbers that the server would draw. */

import { drawOf, type Drawn } from '../../random/draws';
import type { StreamKey } from '../../random/random';
import type { CoreBlock } from './core-blocks';
import { commonRows, type FillTile } from './tiles';

/** The key of a stream, from its data. */
export function keyOf(data: Buffer, at = 0): StreamKey {
  return [data.readUInt32LE(at), data.readUInt32LE(at + 4)];
}

/** Fills with what the rule gives each element, by its index in the parameter. */
export function ruleFill(block: CoreBlock, drawn: Drawn, stream: StreamKey): FillTile {
  const draw = drawOf(drawn, stream);
  return (tile) => {
    const common = commonRows(block, tile);
    if (common === undefined) return;
    for (let row = common.first; row < common.last; row++) {
      const element = row * tile.columns + block.column;
      const at = (row - tile.row) * tile.columns + block.column;
      for (let column = 0; column < block.columns; column++) {
        tile.values[at + column] = draw(element + column);
      }
    }
  };
}
