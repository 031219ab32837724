/** Lines over an axis of numbers, and bars below them. */

import type { VNode } from 'preact';
import { formatNumber } from '../ui/format';
import { linearAxis, logAxis } from './scale';

/** A line; its class has its colour. */
export interface Line {
  readonly name: string;
  readonly className: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Bars from zero. */
export interface Bars {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly heights: readonly number[];
}

/** A band between two lines over the same places. */
export interface Band {
  readonly name: string;
  readonly points: readonly (readonly [x: number, low: number, high: number])[];
}

const WIDTH = 560;
const HEIGHT = 220;
const MARGIN = { left: 56, right: 12, top: 10, bottom: 30 };

/** The chart. */
export function LineChart({
  label,
  lines,
  bars,
  band,
  isLog = false,
  xLabel = '',
}: {
  readonly label: string;
  readonly lines: readonly Line[];
  readonly bars?: Bars | undefined;
  readonly band?: Band | undefined;
  readonly isLog?: boolean;
  readonly xLabel?: string;
}): VNode {
  const xs = [
    ...lines.flatMap(({ points }) => points.map(([x]) => x)),
    ...(bars ? [bars.low, bars.high] : []),
    ...(band?.points.map(([x]) => x) ?? []),
  ];
  const ys = [
    ...lines.flatMap(({ points }) => points.map(([, y]) => y)),
    ...(bars ? [0, ...bars.heights] : []),
    ...(band?.points.flatMap(([, low, high]) => [low, high]) ?? []),
  ].filter((y) => Number.isFinite(y) && (!isLog || y > 0));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
  const x = linearAxis(left, right, MARGIN.left, WIDTH - MARGIN.right, 6);
  const [from, to] = [HEIGHT - MARGIN.bottom, MARGIN.top];
  const y = isLog ? logAxis(bottom, top, from, to) : linearAxis(bottom, top, from, to, 4);
  const barWidth = bars ? (x.at(bars.high) - x.at(bars.low)) / bars.heights.length : 0;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {y.ticks.map((tick) => (
          <g key={tick} class="tick">
            <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y.at(tick)} y2={y.at(tick)} />
            <text x={MARGIN.left - 6} y={y.at(tick) + 4} text-anchor="end">
              {formatNumber(tick)}
            </text>
          </g>
        ))}
        {x.ticks.map((tick) => (
          <g key={tick} class="tick">
            <line class="vertical" x1={x.at(tick)} x2={x.at(tick)} y1={from} y2={from + 4} />
            <text x={x.at(tick)} y={from + 17} text-anchor="middle">
              {formatNumber(tick)}
            </text>
          </g>
        ))}
        {bars?.heights.map((height, index) => (
          <rect
            key={index}
            class="bar"
            x={x.at(bars.low) + index * barWidth}
            y={y.at(height)}
            width={Math.max(0.5, barWidth - 0.6)}
            height={Math.max(0, from - y.at(height))}
          />
        ))}
        {band && <path class="band" d={bandPath(band, x.at, y.at)} />}
        {lines.map(({ name, className, points }) => (
          <path key={name} class={`line ${className}`} d={linePath(points, x.at, y.at)} />
        ))}
        {xLabel !== '' && (
          <text class="axis-label" x={WIDTH - MARGIN.right} y={HEIGHT - 2} text-anchor="end">
            {xLabel}
          </text>
        )}
      </svg>
      <figcaption>
        {bars && (
          <span>
            <i class="swatch bar-swatch" />
            {bars.name}
          </span>
        )}
        {band && (
          <span>
            <i class="swatch band-swatch" />
            {band.name}
          </span>
        )}
        {lines.map(({ name, className }) => (
          <span key={name}>
            <i class={`swatch ${className}`} />
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

type Place = (value: number) => number;

function linePath(points: Line['points'], x: Place, y: Place): string {
  return points
    .map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${round(x(px))} ${round(y(py))}`)
    .join('');
}

function bandPath({ points }: Band, x: Place, y: Place): string {
  const above = points.map(([px, , high]) => `${round(x(px))} ${round(y(high))}`);
  const below = points.map(([px, low]) => `${round(x(px))} ${round(y(low))}`).reverse();
  return `M${[...above, ...below].join('L')}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
