/** `logah plan`: shows where every parameter of a network would come from, without predicting any. */

import { Command, Option } from 'commander';
import type { CheckedPlan, TensorPlan, Widening } from '../../client';
import { formatBytes, formatCount, formatNumberOf, formatShape } from '../output/format';
import { INPUT_HELP, readInputFile } from '../input-file';
import { interruptible } from '../interruption';
import {
  addRequestOptions,
  addServerOptions,
  requestOf,
  type RequestFlags,
  type ServerFlags,
} from '../options';
import { printJson } from '../output/report';
import { left, renderTable, right } from '../output/table';
import { printWarnings } from '../output/warnings';
import { withClient } from '../with-client';

interface PlanFlags extends ServerFlags, RequestFlags {
  readonly json: boolean;
}

/** The command. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('show where every parameter of a network would come from, without predicting any')
    .argument('<file>', INPUT_HELP);
  addServerOptions(addRequestOptions(command));
  return command
    .addOption(new Option('--json', 'print the plan as one JSON object').default(false, 'a table'))
    .action(async (file: string, flags: PlanFlags) => {
      await interruptible((signal) => showPlan(file, flags, signal));
    });
}

async function showPlan(file: string, flags: PlanFlags, signal: AbortSignal): Promise<void> {
  const request = requestOf(await readInputFile(file), flags);
  const plan = await withClient(flags, signal, (client) => client.plan(request, { signal }));
  printWarnings(plan);
  if (flags.json) {
    printJson(plan);
  } else {
    process.stdout.write(`${tensorTable(plan)}\n${partTable(plan)}${totals(plan)}`);
  }
}

function tensorTable({ tensors }: CheckedPlan): string {
  return renderTable(
    [left('tensor'), left('shape'), left('source'), right('rank'), right('bytes')],
    tensors.map((tensor) => [
      tensor.name,
      formatShape(tensor.shape),
      sourceText(tensor),
      tensor.rank === 0 ? '-' : String(tensor.rank),
      tensor.sent ? formatCount(tensor.bytes) : '-',
    ]),
  );
}

/** Parts that are listed; the others are counted. */
const LISTED_PARTS = 12;

/** How much of each part of the network is predicted; nothing where the network is one part. */
function partTable({ modules }: CheckedPlan): string {
  if (modules.length < 2) return '';
  const parts = modules.flatMap(({ name, coverage }) => (coverage === null ? [] : [{ name, ...coverage }]));
  const share = (count: number, parameters: number): string =>
    parameters === 0 ? '-' : `${((100 * count) / parameters).toFixed(1)} %`;
  const table = renderTable(
    [left('part'), right('parameters'), right('predicted'), right('by rule'), right('kept')],
    parts
      .slice(0, LISTED_PARTS)
      .map(({ name, parameters, predicted, tiled, initialized, kept }) => [
        name === '' ? '(others)' : name,
        formatCount(parameters),
        share(predicted + tiled, parameters),
        share(initialized, parameters),
        share(kept, parameters),
      ]),
  );
  const rest = parts.length - LISTED_PARTS;
  return `${table}${rest > 0 ? `and ${formatNumberOf(rest, 'more part')}\n` : ''}\n`;
}

function sourceText({ source, tiedTo }: TensorPlan): string {
  switch (source) {
    case 'SOURCE_PREDICTED':
      return 'predicted';
    case 'SOURCE_TILED':
      return 'tiled';
    case 'SOURCE_INITIALIZED':
      return 'by rule';
    case 'SOURCE_TIED':
      return `tied to ${tiedTo}`;
    case 'SOURCE_KEPT':
      return 'kept';
    case 'SOURCE_UNSPECIFIED':
      return 'unknown';
  }
}

/** "4 copies of hidden_size 192, intermediate_size 768 and num_attention_heads 3": a map of the contract has no order. */
export function wideningText({ copies, base }: Widening): string {
  const sizes = Object.entries(base)
    .map(([name, size]) => `${name} ${size}`)
    .sort();
  const listed =
    sizes.length < 2 ? sizes.join('') : `${sizes.slice(0, -1).join(', ')} and ${sizes.at(-1) ?? ''}`;
  return `${formatCount(copies)} copies of ${listed}`;
}

function totals({
  model,
  fingerprint,
  family,
  nodes,
  coverage,
  tensors,
  totalBytes,
  elementType,
  denseBytes,
  factorBytes,
  coreBytes,
  widening,
  lift,
  strength,
  base,
}: CheckedPlan): string {
  const share = (count: number): string => `${((100 * count) / (coverage.parameters || 1)).toFixed(1)} %`;
  const origins: [string, number][] = [
    ['predicted', coverage.predicted],
    ['tiled', coverage.tiled],
    ['by rule', coverage.initialized],
    ...(coverage.kept > 0 ? [['kept', coverage.kept] as [string, number]] : []),
  ];
  const parts = origins.map(([origin, count]) => `${origin} ${formatCount(count)} (${share(count)})`);
  const lines = [
    `${formatNumberOf(tensors.length, 'tensor')} of ${formatNumberOf(nodes, 'node')}, ${formatCount(coverage.parameters)} parameters: ${parts.join(', ')}`,
    ...(widening === null ? [] : [wideningText(widening)]),
    ...(strength === 1 ? [] : [`strength: ${strength} of the way from the default start to the prediction`]),
    ...(lift === 0 ? [] : [`lifted: noise of ${lift} times the standard deviation of each predicted block`]),
    ...(base === 0
      ? []
      : [`base: noise of ${base} times the standard deviation of each predicted block's default start`]),
    `tied, not counted above: ${formatCount(coverage.tied)}`,
    `to send: ${formatBytes(totalBytes)} in ${elementType}`,
    ...(Math.min(factorBytes, coreBytes) < denseBytes
      ? [
          `by --representation: dense ${formatBytes(denseBytes)}, factors ${formatBytes(factorBytes)}, core ${formatBytes(coreBytes)}`,
        ]
      : []),
    `model: ${model}; family: ${family || 'none'}; fingerprint: ${fingerprint}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
