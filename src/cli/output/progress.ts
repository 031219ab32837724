import { SingleBar } from 'cli-progress';
import { formatBytes, formatRate } from './format';

/** Shows how far a stream has come. Call `start` once, `update` often, and `stop` in any case. */
export interface Progress {
  start(totalBytes: number): void;
  update(bytes: number): void;
  stop(): void;
}

/** Where progress goes: a terminal gets a bar, anything else lines. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Milliseconds, from any point in time on. */
export type Clock = () => number;

/** Milliseconds between two lines. */
const LINE_INTERVAL_MS = 1000;

/** Columns of the bar itself. */
const BAR_WIDTH = 24;

/** Shows nothing. */
export const NO_PROGRESS: Progress = {
  start: () => undefined,
  update: () => undefined,
  stop: () => undefined,
};

/** A bar on a terminal, otherwise a line about every second. */
export function progressOn(stream: NodeJS.WriteStream, label: string): Progress {
  return stream.isTTY ? barProgress(stream, label) : lineProgress(stream, label, () => performance.now());
}

/** One line at most every second and one at the end. */
export function lineProgress(stream: ProgressStream, label: string, clock: Clock): Progress {
  let total = 0;
  let started = 0;
  let last = 0;
  return {
    start: (totalBytes) => {
      total = totalBytes;
      started = last = clock();
    },
    update: (bytes) => {
      const now = clock();
      if (bytes < total && now - last < LINE_INTERVAL_MS) {
        return;
      }
      last = now;
      const { percent, size, rate, left } = standing(bytes, total, (now - started) / 1000);
      stream.write(`${label}: ${percent}, ${size}, ${rate}, ${left}\n`);
    },
    stop: () => undefined,
  };
}

function barProgress(stream: NodeJS.WriteStream, label: string): Progress {
  const bar = new SingleBar({
    format: `${label} {bar} {percent}  {size}  {rate}  {left}`,
    barsize: BAR_WIDTH,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream,
    hideCursor: true,
  });
  let total = 0;
  let started = 0;
  return {
    start: (totalBytes) => {
      total = totalBytes;
      started = performance.now();
      bar.start(total, 0, standing(0, total, 0));
    },
    update: (bytes) => {
      bar.update(bytes, standing(bytes, total, (performance.now() - started) / 1000));
    },
    stop: () => {
      bar.stop();
    },
  };
}

interface Standing {
  readonly percent: string;
  readonly size: string;
  readonly rate: string;
  readonly left: string;
}

function standing(bytes: number, total: number, seconds: number): Standing {
  const secondsLeft = bytes > 0 ? Math.ceil((seconds * (total - bytes)) / bytes) : undefined;
  return {
    percent: `${Math.floor((100 * bytes) / (total || 1))} %`,
    size: `${formatBytes(bytes)} of ${formatBytes(total)}`,
    rate: formatRate(bytes, seconds),
    left: `ETA ${secondsLeft ?? '-'} s`,
  };
}
