/** Cells as colours, with their scale; which cell the pointer is on, and where it is pressed, is told. */

import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { formatNumber } from '../ui/format';
import { colourTable, darkness, paint } from './colour-map';

const isDark = signal(darkness.matches);
darkness.addEventListener('change', ({ matches }) => (isDark.value = matches));

/** A cell by its row and column. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** The map; `scale` is the value of the outermost colours. */
export function HeatMap({
  label,
  values,
  rows,
  columns,
  scale,
  aspect,
  onHover,
  onPick,
}: {
  readonly label: string;
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly scale: number;
  /** Width to height, as shown. */
  readonly aspect: number;
  readonly onHover?: ((cell: Cell | undefined) => void) | undefined;
  /** Two corners of what was drawn over with the pointer; the same cell twice where it was pressed. */
  readonly onPick?: ((from: Cell, to: Cell) => void) | undefined;
}): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const band = useRef<HTMLDivElement>(null);
  const from = useRef<{ readonly cell: Cell; readonly x: number; readonly y: number } | undefined>(undefined);
  const table = useMemo(() => colourTable(isDark.value), [isDark.value]);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(paint(values, columns, scale, table), 0, 0);
  }, [values, columns, scale, table]);
  const placeOf = (event: PointerEvent): { cell: Cell; x: number; y: number } => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const x = Math.min(0.999999, Math.max(0, (event.clientX - box.left) / box.width));
    const y = Math.min(0.999999, Math.max(0, (event.clientY - box.top) / box.height));
    return { cell: { row: Math.floor(y * rows), column: Math.floor(x * columns) }, x, y };
  };
  const showBand = (to: { x: number; y: number } | undefined): void => {
    const style = band.current?.style;
    const start = from.current;
    if (style === undefined) return;
    style.display = start === undefined || to === undefined ? 'none' : 'block';
    if (start === undefined || to === undefined) return;
    style.left = `${100 * Math.min(start.x, to.x)}%`;
    style.top = `${100 * Math.min(start.y, to.y)}%`;
    style.width = `${100 * Math.abs(start.x - to.x)}%`;
    style.height = `${100 * Math.abs(start.y - to.y)}%`;
  };
  return (
    <div class="heat-map">
      <div
        class={`cells ${onPick ? 'can-pick' : ''}`}
        style={{ aspectRatio: String(aspect), maxWidth: `min(100%, ${Math.round(62 * aspect)}vh)` }}
        onPointerMove={(event) => {
          const place = placeOf(event);
          onHover?.(place.cell);
          showBand(place);
        }}
        onPointerLeave={() => onHover?.(undefined)}
        onPointerDown={(event) => {
          if (!onPick || event.button !== 0) return;
          from.current = placeOf(event);
          (event.currentTarget as Element).setPointerCapture(event.pointerId);
        }}
        onPointerUp={(event) => {
          const start = from.current;
          from.current = undefined;
          showBand(undefined);
          if (start !== undefined) onPick?.(start.cell, placeOf(event).cell);
        }}
      >
        <canvas ref={canvas} width={columns} height={rows} role="img" aria-label={label} />
        <div class="rubber-band" ref={band} />
      </div>
      <ColourScale scale={scale} />
    </div>
  );
}

const STEPS = Float32Array.from({ length: 129 }, (_, index) => index / 64 - 1);

function ColourScale({ scale }: { readonly scale: number }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const table = useMemo(() => colourTable(isDark.value), [isDark.value]);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(paint(STEPS, STEPS.length, 1, table), 0, 0);
  }, [table]);
  return (
    <div class="colour-scale">
      <span>{formatNumber(-scale)}</span>
      <canvas ref={canvas} width={STEPS.length} height={1} aria-hidden="true" />
      <span>{formatNumber(scale)}</span>
    </div>
  );
}
