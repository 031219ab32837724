/** A tensor's elements: a heat map that zooms to single ones, or lines where there is one row; and a table of the same. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import type { Cell } from '../charts/heat-map';
import { HeatMap } from '../charts/heat-map';
import { LineChart } from '../charts/line-chart';
import { FaultNote } from '../ui/fault-note';
import { formatCount, formatNumber } from '../ui/format';
import { useAnswer } from '../ui/use-answer';
import { CellTable } from './cell-table';
import { cellsOf, inspect, type Cells, type Look } from './inspections';
import { scaleOfCells } from './scale-of-cells';
import { movedRegion, scaledRegion, slicedRegion, wholeOf, type Region } from './region';
import { Statistics } from './statistics';
import type { Subject } from './subject';

const ROWS = 240;
const COLUMNS = 320;
const LINE_CELLS = 1024;

/** The card. */
export function Elements({ subject }: { readonly subject: Subject }): VNode {
  const { tensor, source, settings, key } = subject;
  const { shape } = tensor;
  const whole = wholeOf(shape);
  const asked = useSignal<Region | undefined>(undefined);
  const shows = useSignal<'means' | 'extremes'>('means');
  const hovered = useSignal<Cell | undefined>(undefined);
  const wanted = asked.value ?? whole;
  const isWhole = Object.keys(whole).every(
    (side) => whole[side as keyof Region] === wanted[side as keyof Region],
  );
  const cut = isWhole ? undefined : slicedRegion(shape, wanted);
  const region = cut?.region ?? whole;
  const isLine = shape.length < 2;
  const look: Look = {
    rows: isLine ? 1 : ROWS,
    columns: isLine ? LINE_CELLS : COLUMNS,
    ...(cut && { slice: { name: tensor.name, start: cut.start, end: cut.end } }),
  };
  const answer = useAnswer(`${key}/${JSON.stringify(look)}`, () =>
    inspect(source, settings, tensor.name, look),
  );
  const inspection = answer.value;
  const cells = inspection && cellsOf(inspection);
  const zoom = (factor: number): void => {
    asked.value = scaledRegion(region, factor, shape);
  };
  const move = (dx: number, dy: number): void => {
    asked.value = movedRegion(region, dx, dy, shape);
  };
  return (
    <article class={`card elements ${answer.isWaiting ? 'is-waiting' : ''}`} aria-busy={answer.isWaiting}>
      <header>
        <h3>Elements</h3>
        <div class="buttons">
          {!isLine && (
            <select
              aria-label="What a cell shows"
              value={shows.value}
              onChange={({ currentTarget }) => {
                shows.value = currentTarget.value === 'extremes' ? 'extremes' : 'means';
              }}
            >
              <option value="means">means</option>
              <option value="extremes">extremes</option>
            </select>
          )}
          <button
            type="button"
            aria-label="Zoom in"
            onClick={() => {
              zoom(0.5);
            }}
          >
            +
          </button>
          <button
            type="button"
            aria-label="Zoom out"
            disabled={isWhole}
            onClick={() => {
              zoom(2);
            }}
          >
            −
          </button>
          <button
            type="button"
            aria-label="Left"
            disabled={isWhole}
            onClick={() => {
              move(-0.5, 0);
            }}
          >
            ←
          </button>
          <button
            type="button"
            aria-label="Right"
            disabled={isWhole}
            onClick={() => {
              move(0.5, 0);
            }}
          >
            →
          </button>
          {!isLine && (
            <button
              type="button"
              aria-label="Up"
              disabled={isWhole}
              onClick={() => {
                move(0, -0.5);
              }}
            >
              ↑
            </button>
          )}
          {!isLine && (
            <button
              type="button"
              aria-label="Down"
              disabled={isWhole}
              onClick={() => {
                move(0, 0.5);
              }}
            >
              ↓
            </button>
          )}
          <button type="button" disabled={isWhole} onClick={() => (asked.value = undefined)}>
            Whole
          </button>
        </div>
      </header>
      {answer.fault && <FaultNote fault={answer.fault} />}
      {inspection && <Statistics of={inspection} />}
      {cells &&
        (isLine ? (
          <VectorLine name={tensor.name} cells={cells} region={region} />
        ) : (
          <HeatMap
            label={`Heat map of ${tensor.name}; the table below has the same numbers`}
            values={shows.value === 'means' ? cells.means : extremesOf(cells)}
            rows={cells.rows}
            columns={cells.columns}
            scale={scaleOf(cells, shows.value)}
            aspect={aspectOf(region)}
            onHover={(cell) => (hovered.value = cell)}
            onPick={(from, to) => {
              asked.value = pickedRegion(region, cells, from, to, shape);
            }}
          />
        ))}
      {cells && !isLine && (
        <p class="quiet hover" aria-live="off">
          {hovered.value
            ? describe(hovered.value, cells, region)
            : `rows ${range(region.top, region.bottom)}, columns ${range(region.left, region.right)}; draw over a part to see it larger`}
        </p>
      )}
      {cells && <CellTable cells={cells} region={region} name={tensor.name} />}
    </article>
  );
}

function VectorLine({ name, cells, region }: { name: string; cells: Cells; region: Region }): VNode {
  const width = (region.right - region.left) / cells.columns;
  const at = (column: number): number => region.left + Math.floor(column * width);
  const points = Array.from(cells.means, (mean, column) => [at(column), mean] as const);
  const isSingle = cells.columns === region.right - region.left;
  return (
    <LineChart
      label={`Elements of ${name} by index; the table below has the same numbers`}
      lines={[{ name: isSingle ? 'element' : 'mean of neighbours', className: 'line-own', points }]}
      band={
        isSingle
          ? undefined
          : {
              name: 'smallest to largest',
              points: Array.from(
                cells.minima,
                (low, column) => [at(column), low, cells.maxima[column] ?? low] as const,
              ),
            }
      }
      xLabel="index"
    />
  );
}

/** Of each cell the element farthest from zero. */
function extremesOf({ minima, maxima }: Cells): Float32Array {
  return minima.map((low, index) => (-low > (maxima[index] ?? 0) ? low : (maxima[index] ?? 0)));
}

function scaleOf(cells: Cells, shows: 'means' | 'extremes'): number {
  return scaleOfCells(shows === 'means' ? cells.means : extremesOf(cells));
}

/** As the region is, within what can still be looked at. */
function aspectOf({ top, bottom, left, right }: Region): number {
  return Math.min(3.2, Math.max(0.75, (right - left) / (bottom - top)));
}

function pickedRegion(region: Region, cells: Cells, from: Cell, to: Cell, shape: readonly number[]): Region {
  if (from.row === to.row && from.column === to.column) {
    const at = { x: (from.column + 0.5) / cells.columns, y: (from.row + 0.5) / cells.rows };
    return scaledRegion(region, 0.5, shape, at);
  }
  const [rows, columns] = [region.bottom - region.top, region.right - region.left];
  const row = (cell: number): number => region.top + Math.floor((cell * rows) / cells.rows);
  const column = (cell: number): number => region.left + Math.floor((cell * columns) / cells.columns);
  const [top, left] = [row(Math.min(from.row, to.row)), column(Math.min(from.column, to.column))];
  return {
    top,
    left,
    bottom: Math.max(top + 1, row(Math.max(from.row, to.row) + 1)),
    right: Math.max(left + 1, column(Math.max(from.column, to.column) + 1)),
  };
}

function describe({ row, column }: Cell, cells: Cells, region: Region): string {
  const [rows, columns] = [region.bottom - region.top, region.right - region.left];
  const from = (cell: number, count: number, of: number, start: number): number =>
    start + Math.ceil((cell * count) / of);
  const index = row * cells.columns + column;
  const [mean = 0, low = 0, high = 0] = [cells.means[index], cells.minima[index], cells.maxima[index]];
  const place = `row ${range(from(row, rows, cells.rows, region.top), from(row + 1, rows, cells.rows, region.top))}, column ${range(from(column, columns, cells.columns, region.left), from(column + 1, columns, cells.columns, region.left))}`;
  return low === high
    ? `${place}: ${formatNumber(mean)}`
    : `${place}: mean ${formatNumber(mean)}, ${formatNumber(low)} to ${formatNumber(high)}`;
}

function range(start: number, end: number): string {
  return end - start <= 1 ? formatCount(start) : `${formatCount(start)}–${formatCount(end - 1)}`;
}
