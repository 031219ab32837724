/** The numbers behind a heat map, for those who do not see it: a coarser table of the same region. */

import type { VNode } from 'preact';
import { formatNumber } from '../ui/format';
import type { Cells } from './inspections';
import type { Region } from './region';

const MOST = 8;

/** A table that opens. */
export function CellTable({
  cells,
  region,
  name,
}: {
  readonly cells: Cells;
  readonly region: Region;
  readonly name: string;
}): VNode {
  const [rows, columns] = [Math.min(MOST, cells.rows), Math.min(MOST, cells.columns)];
  const rowAt = (row: number): number => Math.floor((row * cells.rows) / rows);
  const columnAt = (column: number): number => Math.floor((column * cells.columns) / columns);
  const index = (cell: number, of: number, start: number, end: number): number =>
    start + Math.ceil((cell * (end - start)) / of);
  return (
    <details class="cell-table">
      <summary>As a table</summary>
      <table>
        <caption>
          Means of {name} by row and column, {rows} × {columns} parts of what is shown
        </caption>
        <thead>
          <tr>
            <th scope="col">row</th>
            {Array.from({ length: columns }, (_, column) => (
              <th scope="col" key={column}>
                {index(column, columns, region.left, region.right)}…
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, row) => (
            <tr key={row}>
              <th scope="row">{index(row, rows, region.top, region.bottom)}…</th>
              {Array.from({ length: columns }, (_, column) => (
                <td key={column}>
                  {formatNumber(
                    meanOf(cells, rowAt(row), rowAt(row + 1), columnAt(column), columnAt(column + 1)),
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function meanOf({ means, columns }: Cells, top: number, bottom: number, left: number, right: number): number {
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) sum += means[row * columns + column] ?? 0;
  }
  return sum / ((bottom - top) * (right - left));
}
