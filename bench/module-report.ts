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
  readonly seconds: Readonly<Record<WayName, Spread>> & { readonly autoFromMeta?: Spread };
  readonly verifySeconds: Spread;
  readonly clientBytesBeyondModule: number;
  readonly serverPeakBytes: number;
  /** By way and representation, as in "state_dict core"; since NumPy is measured. */
  readonly withoutTorchSeconds?: Readonly<Record<string, Spread>>;
  /** By the names that `large_modules.py` has for them; absent where they did not fit into memory. */
  readonly large?: Readonly<Partial<Record<LargeName, LargeModule>>>;
}

/** One network of `python/bench/large_modules.py`. */
export interface LargeModule {
  readonly parameters: number;
  readonly heldBytes: number;
  readonly sentBytes: number;
  readonly seconds: Spread;
  readonly clientCpuSeconds: Spread;
  readonly clientBytesBeyondModule: number;
  readonly verifySeconds: Spread;
  readonly zeroFreshSeconds: Spread;
  readonly zeroAgainSeconds: Spread;
}

type WayName = 'transformersStart' | 'auto' | 'autoAgain' | 'factors' | 'dense' | 'normal' | 'zero' | 'naive';
type LargeName = 'llama-7b' | 'llama-405b-rank';

const LARGE: readonly (readonly [string, LargeName])[] = [
  ['Llama-7B', 'llama-7b'],
  ['one rank of 512 of Llama-3.1-405B', 'llama-405b-rank'],
];

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

function withoutTorch(
  seconds: Readonly<Record<string, Spread>>,
  fromMeta: Spread | undefined,
): readonly string[] {
  const rows = Object.entries(seconds).map(([way, { median }]) => {
    const [method = '', representation = ''] = way.split(' ');
    const times = fromMeta === undefined ? '' : (median / fromMeta.median).toFixed(2);
    return [`\`${method}\`, ${representation}`, median.toFixed(2), times];
  });
  const torch = fromMeta === undefined ? 'torch' : `torch (${fromMeta.median.toFixed(2)} s)`;
  return [
    'The same network without torch, by NumPy (`python/bench/without_torch.py`), into arrays that are new, beside ' +
      '`initialize` of a module from the meta device, whose memory is new too:',
    table(['', 'seconds', `times ${torch}`], rows),
  ];
}

function largeModules(large: Readonly<Partial<Record<LargeName, LargeModule>>>): readonly string[] {
  const rows = LARGE.flatMap(([name, key]) => {
    const one = large[key];
    if (one === undefined) return [];
    const { median } = one.seconds;
    return [
      [
        name,
        megabytes(one.heldBytes),
        megabytes(one.sentBytes),
        median.toFixed(2),
        (median / one.zeroFreshSeconds.median).toFixed(2),
        (median / one.zeroAgainSeconds.median).toFixed(2),
        one.clientCpuSeconds.median.toFixed(2),
        megabytes(one.clientBytesBeyondModule),
        one.verifySeconds.median.toFixed(2),
      ],
    ];
  });
  if (rows.length === 0) return [];
  return [
    'In bfloat16 from the meta device (`python/bench/large_modules.py`), each in a process of its own; `zero_` on as many ' +
      'parameters, on memory that was never touched, as that of the module is, and once more on the same memory:',
    table(
      [
        '',
        'held',
        'sent',
        'seconds',
        'times `zero_`',
        'times `zero_` again',
        'client CPU s',
        'beyond the module',
        '`verify` s',
      ],
      rows,
    ),
  ];
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
    ...(results.withoutTorchSeconds === undefined
      ? []
      : withoutTorch(results.withoutTorchSeconds, seconds.autoFromMeta)),
    ...largeModules(results.large ?? {}),
  ].join('\n\n');
}
