/** `logah bench`: puts load on a server and reports how fast it answers. */

import { Command, InvalidArgumentError, Option } from 'commander';
import type { PredictRequest } from '../../client';
import { formatBytes, formatNumberOf } from '../output/format';
import { INPUT_HELP, readInputFile } from '../input-file';
import { clientSecurity } from '../client-security';
import { interruptible } from '../interruption';
import { timeRound, type Round } from '../load';
import {
  addRequestOptions,
  addServerOptions,
  addStreamOptions,
  requestOf,
  type RequestFlags,
  type ServerFlags,
  type StreamFlags,
} from '../options';
import { packagePath } from '../package-paths';
import { printJson } from '../output/report';
import { quantile, spreadOf, type Spread } from '../output/statistics';
import { left, renderTable, right } from '../output/table';
import { withClient } from '../with-client';

interface LoadFlags {
  readonly file: string;
  readonly streams: number;
  readonly repeats: number;
  readonly json: boolean;
}

type BenchFlags = LoadFlags & ServerFlags & RequestFlags & StreamFlags;

/** The figures of all rounds; times in milliseconds or seconds as named, memory in bytes. */
export interface LoadReport {
  readonly streams: number;
  readonly repeats: number;
  readonly bytesPerStream: number;
  /** Of every stream. */
  readonly firstChunkMs: Spread;
  readonly streamSeconds: Spread;
  /** Of every round: all streams together. */
  readonly megabytesPerSecond: Spread;
  /** Of every check; null where the server does not answer them. */
  readonly healthMs: { readonly checks: number; readonly p50: number; readonly p99: number } | null;
  readonly serverPeakMemoryBytes: number;
}

/** The command. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('put load on a server and report how fast it answers; the data is checked and dropped')
    .addOption(
      new Option('--file <file>', INPUT_HELP).default(
        packagePath('examples', 'vit-base-patch16-224', 'config.json'),
        'ViT-Base',
      ),
    )
    .addOption(new Option('--streams <count>', 'streams at a time').argParser(positive).default(1))
    .addOption(
      new Option('--repeats <count>', 'rounds that count; one more before them does not')
        .argParser(positive)
        .default(5),
    );
  addServerOptions(addStreamOptions(addRequestOptions(command)));
  return command
    .addOption(new Option('--json', 'print one JSON object').default(false, 'a table'))
    .action(async (flags: BenchFlags) => {
      await interruptible((signal) => bench(flags, signal));
    });
}

async function bench(flags: BenchFlags, signal: AbortSignal): Promise<void> {
  const input = await readInputFile(flags.file);
  const report = await measure(requestOf(input, flags), flags, signal);
  if (flags.json) {
    printJson({ file: flags.file, server: flags.server ?? null, dtype: flags.dtype, ...report });
  } else {
    process.stdout.write(reportText(report));
  }
}

async function measure(request: PredictRequest, flags: BenchFlags, signal: AbortSignal): Promise<LoadReport> {
  const { tls } = flags.server === undefined ? {} : await clientSecurity(flags);
  return withClient(flags, signal, async (client) => {
    const rounds: Round[] = [];
    for (let round = 0; round <= flags.repeats; round++) {
      rounds.push(await timeRound(client, request, flags.streams, signal, tls));
    }
    return loadReport(rounds.slice(1));
  });
}

/** The figures of rounds with equally many streams. Throws RangeError where there are none. */
export function loadReport(rounds: readonly Round[]): LoadReport {
  const streams = rounds.flatMap((round) => round.streams);
  const health = rounds.flatMap((round) => round.health ?? []);
  return {
    streams: streams.length / rounds.length,
    repeats: rounds.length,
    bytesPerStream: streams[0]?.bytes ?? 0,
    firstChunkMs: spreadOf(streams.map((stream) => stream.firstChunkSeconds * 1000)),
    streamSeconds: spreadOf(streams.map((stream) => stream.seconds)),
    megabytesPerSecond: spreadOf(rounds.map(({ bytes, seconds }) => bytes / seconds / 1e6)),
    healthMs:
      health.length === 0
        ? null
        : { checks: health.length, p50: quantile(health, 0.5), p99: quantile(health, 0.99) },
    serverPeakMemoryBytes: Math.max(...streams.map((stream) => stream.serverPeakMemoryBytes)),
  };
}

function reportText(report: LoadReport): string {
  const { healthMs } = report;
  const row = (name: string, { median, min, max }: Spread, digits: number): string[] => [
    name,
    ...[median, min, max].map((value) => value.toFixed(digits)),
  ];
  const table = renderTable(
    [left(''), right('median'), right('least'), right('most')],
    [
      row('first chunk, ms', report.firstChunkMs, 1),
      row('whole stream, s', report.streamSeconds, 3),
      row('all streams, MB/s', report.megabytesPerSecond, 1),
    ],
  );
  const health =
    healthMs === null
      ? 'not answered'
      : `p50 ${healthMs.p50.toFixed(1)} ms, p99 ${healthMs.p99.toFixed(1)} ms of ${formatNumberOf(healthMs.checks, 'check')}`;
  return [
    `${formatNumberOf(report.streams, 'stream')} of ${formatBytes(report.bytesPerStream)}, ${formatNumberOf(report.repeats, 'round')}\n`,
    table,
    `health checks meanwhile: ${health}\n`,
    `server peak memory: ${formatBytes(report.serverPeakMemoryBytes)}\n`,
  ].join('');
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d{1,4}$/.test(text) || value < 1) throw new InvalidArgumentError('Expected 1 to 9999.');
  return value;
}
