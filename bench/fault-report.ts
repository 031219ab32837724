/** The part of docs/performance.md that is made of bench/results/faults.json. */

import type { FaultResults } from './fault-results';
import { megabytes, table } from './tables';

const MILLISECONDS_BAR = 100;
const REQUEST_BAR = 64e6;
const READERS_BAR = 200e6;

/** What the worst that callers can do costs the server. */
export function faultsSection({
  date,
  processor,
  cores,
  node,
  commit,
  requests,
  readers,
}: FaultResults): string {
  const most = (values: readonly number[]): number => Math.max(...values);
  const stall = most([...requests, ...readers].map(({ stallMs }) => stallMs));
  const request = most(requests.map(({ memory }) => memory));
  const reader = most(readers.map(({ memory }) => memory));
  const verdict = (value: number, bar: number): string => (value <= bar ? 'met' : '**missed**');
  return [
    '## What one caller can cost the others',
    `Measured on ${date} by \`npm run bench:faults\` on ${cores} busy cores of ${processor}, Node.js ${node}, the service at ${commit}, each row ` +
      'with a server of its own. Memory is the largest resident memory above that at rest. A stall is the longest processor time that the ' +
      'thread that speaks gRPC spent between two turns of its events: for so long, nobody is answered.',
    table(
      ['', 'bar', 'measured', ''],
      [
        [
          'longest stall',
          `at most ${MILLISECONDS_BAR} ms`,
          `${stall.toFixed(0)} ms`,
          verdict(stall, MILLISECONDS_BAR),
        ],
        [
          'memory of one request',
          `at most ${megabytes(REQUEST_BAR)}`,
          megabytes(request),
          verdict(request, REQUEST_BAR),
        ],
        [
          'memory of 1000 readers that never read',
          `at most ${megabytes(READERS_BAR)}`,
          megabytes(reader),
          verdict(reader, READERS_BAR),
        ],
      ],
    ),
    'One request for a plan, of at most 16 MB, as it is and compressed:',
    table(
      ['request', 'bytes', 'sent', 'answer', 'memory', 'stall'],
      requests.map((row) => [
        row.name,
        megabytes(row.bytes),
        megabytes(row.sentBytes),
        row.outcome,
        megabytes(row.memory),
        `${row.stallMs.toFixed(0)} ms`,
      ]),
    ),
    'A thousand calls at a time, of which nothing is read, over connections that let no data pass; those that are not open were refused:',
    table(
      ['calls', 'open', 'memory', 'stall'],
      readers.map((row) => [
        row.name,
        String(row.open),
        megabytes(row.memory),
        `${row.stallMs.toFixed(0)} ms`,
      ]),
    ),
  ].join('\n\n');
}
