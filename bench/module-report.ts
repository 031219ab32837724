/** The part of docs/performance.md that is made of bench/results/into-module.json. */

import type { Spread } from '../src/cli/output/statistics';
import { megabytes, table } from './tables';

/** What `python/bench/into_module.py` writes. */
export interface ModuleResults {
  readonly parameters: number;
  readonly rounds: number;
  readonly cores: number;
  readonly torch: string;
  readonly python: string;
  readonly bytes: { readonly core: number; readonly dense: number };
  readonly seconds: Readonly<Record<WayName, Spread>>;
  readonly verifySeconds: Spread;
  readonly clientBytesBeyondModule: number;
  readonly serverPeakBytes: number;
}

type WayName = 'transformersStart' | 'auto' | 'autoAgain' | 'factors' | 'dense' | 'normal' | 'zero' | 'naive';

const WAYS: readonly (readonly [string, WayName])[] = [
  ["transformers' own start (`from_config`)", 'transformersStart'],
  ['plain PyTorch prediction, in a process of its own', 'naive'],
  ['`initialize`, dense', 'dense'],
  ['`normal_` on every parameter', 'normal'],
  ['`initialize`, factors', 'factors'],
  ['`initialize`', 'auto'],
  ['`initialize`, where the server has the cores', 'autoAgain'],
  ['`zero_` on every parameter', 'zero'],
];

/** The same for the README: who waits how long for weights. */
export function moduleSummary({ parameters, seconds }: ModuleResults): string {
  const rows = [
    ["transformers' own random start", seconds.transformersStart],
    ['a prediction by plain PyTorch, without a server', seconds.naive],
    ['`normal_` on every parameter', seconds.normal],
    ['**`client.initialize(module)`**', seconds.auto],
  ] as const;
  return table(
    [`GPT-2-Large, ${(parameters / 1e6).toFixed(0)} million parameters, into a module`, 'seconds'],
    rows.map(([name, { median }]) => [name, median.toFixed(1)]),
  );
}

/** The ways into a PyTorch module, beside each other. */
export function moduleSection(results: ModuleResults): string {
  const { parameters, rounds, cores, torch, python, bytes, seconds } = results;
  const auto = seconds.auto.median;
  const spread = ({ median, min, max }: Spread): string =>
    `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
  return [
    '## Into a module',
    `GPT-2-Large (${(parameters / 1e6).toFixed(0)} million parameters, float32) into a module of transformers that has its memory, by ` +
      `\`python/bench/into_module.py\`: ${rounds} rounds of one run on ${cores} cores, PyTorch ${torch}, Python ${python}. By default ` +
      `\`initialize\` has ${megabytes(bytes.core)} sent in place of ${megabytes(bytes.dense)}, and expands them in place with torch; beside ` +
      `the module it holds ${megabytes(results.clientBytesBeyondModule)} at most. \`report.verify()\` takes ` +
      `${results.verifySeconds.median.toFixed(2)} s more.`,
    table(
      ['', 'seconds', 'times `initialize`'],
      WAYS.map(([name, way]) => [name, spread(seconds[way]), (seconds[way].median / auto).toFixed(2)]),
    ),
  ].join('\n\n');
}
