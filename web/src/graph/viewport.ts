/** What of a drawing is seen: moved with a drag, changed in size with the wheel. */

import { useCallback, useRef, useState } from 'preact/hooks';
import type { Rectangle } from './layout-protocol';

const SMALLEST = 0.08;
const LARGEST = 3;

/** A drawing's scale and the place of its origin, in pixels. */
export interface Viewport {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** The viewport that shows a rectangle in a window of this size: from its top, where it would be smaller than `least`. */
export function fitting(
  { x, y, width, height }: Rectangle,
  window: { width: number; height: number },
  least = SMALLEST,
): Viewport {
  const whole = Math.min(window.width / width, window.height / height);
  const scale = Math.min(1.15, Math.max(least, whole));
  return {
    scale,
    x: (window.width - width * scale) / 2 - x * scale,
    y: Math.max(0, (window.height - height * scale) / 2) - y * scale,
  };
}

/** Pixels that are left between what is focused and the window's edge. */
const EDGE = 24;

/** The viewport moved as little as shows a rectangle; of one that does not fit, its beginning. */
export function revealing(
  viewport: Viewport,
  { x, y, width, height }: Rectangle,
  window: { width: number; height: number },
): Viewport {
  const moved = (origin: number, start: number, size: number, room: number): number => {
    const from = origin + start * viewport.scale;
    const to = from + size * viewport.scale;
    const back = Math.min(0, room - EDGE - to);
    return origin + back + Math.max(0, EDGE - (from + back));
  };
  return {
    scale: viewport.scale,
    x: moved(viewport.x, x, width, window.width),
    y: moved(viewport.y, y, height, window.height),
  };
}

/** A viewport, and the handlers that move it. */
export function useViewport(): {
  readonly viewport: Viewport;
  readonly setViewport: (to: Viewport | ((from: Viewport) => Viewport)) => void;
  readonly zoomBy: (factor: number, at?: { x: number; y: number }) => void;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: (event: PointerEvent) => void;
    readonly onWheel: (event: WheelEvent) => void;
  };
} {
  const [viewport, setViewport] = useState<Viewport>({ scale: 1, x: 0, y: 0 });
  const from = useRef<{ x: number; y: number } | undefined>(undefined);
  const zoomBy = useCallback((factor: number, at = { x: 300, y: 200 }) => {
    setViewport(({ scale, x, y }) => {
      const next = Math.min(LARGEST, Math.max(SMALLEST, scale * factor));
      const ratio = next / scale;
      return { scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio };
    });
  }, []);
  return {
    viewport,
    setViewport,
    zoomBy,
    handlers: {
      onPointerDown: (event) => {
        if (event.button !== 0 || (event.target as Element).closest('[data-box]')) return;
        from.current = { x: event.clientX, y: event.clientY };
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
      },
      onPointerMove: (event) => {
        if (from.current === undefined) return;
        const [dx, dy] = [event.clientX - from.current.x, event.clientY - from.current.y];
        from.current = { x: event.clientX, y: event.clientY };
        setViewport(({ scale, x, y }) => ({ scale, x: x + dx, y: y + dy }));
      },
      onPointerUp: () => {
        from.current = undefined;
      },
      onWheel: (event) => {
        event.preventDefault();
        const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
        zoomBy(Math.exp(-event.deltaY / 400), { x: event.clientX - left, y: event.clientY - top });
      },
    },
  };
}
