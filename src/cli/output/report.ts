import { sentTensors } from '../../client';
import { formatBytes, formatCount } from './format';
import type { PredictionReport } from '../save-prediction';
import { left, renderTable, right, type Column } from './table';

/** What is kept has a column where there is any. */
const columnsOf = (keeps: boolean): Column[] => [
  left('network'),
  right('tensors'),
  right('parameters'),
  right('predicted'),
  right('tiled'),
  right('by rule'),
  ...(keeps ? [right('kept')] : []),
  right('tied'),
  right('size'),
  right('seconds'),
  right('MB/s'),
  right('server peak'),
];

/** A table with a row for each prediction, by the name it goes under. */
export function reportTable(reports: readonly (readonly [name: string, report: PredictionReport])[]): string {
  const keeps = reports.some(([, { plan }]) => plan.coverage.kept > 0);
  return renderTable(
    columnsOf(keeps),
    reports.map(([name, { plan, summary, seconds }]) => [
      name,
      formatCount(plan.tensors.length),
      formatCount(plan.coverage.parameters),
      formatCount(plan.coverage.predicted),
      formatCount(plan.coverage.tiled),
      formatCount(plan.coverage.initialized),
      ...(keeps ? [formatCount(plan.coverage.kept)] : []),
      formatCount(plan.coverage.tied),
      formatBytes(plan.totalBytes),
      seconds.toFixed(2),
      (plan.totalBytes / seconds / 1e6).toFixed(1),
      formatBytes(summary.peakMemoryBytes),
    ]),
  );
}

/** The same and more as an object for `--json`; sizes in bytes, times in seconds. */
export function reportJson(
  { plan, summary, path, configPath, seconds }: PredictionReport,
  seed: number,
): object {
  return {
    file: path,
    config: configPath ?? null,
    model: plan.model,
    fingerprint: plan.fingerprint,
    family: plan.family,
    seed,
    dtype: plan.elementType,
    tensors: plan.tensors.length,
    sentTensors: sentTensors(plan).length,
    bytes: plan.totalBytes,
    coverage: plan.coverage,
    widening: plan.widening,
    lift: plan.lift,
    strength: plan.strength,
    base: plan.base,
    warnings: plan.warnings,
    seconds,
    bytesPerSecond: Math.round(plan.totalBytes / seconds),
    serverTimings: summary.timings,
    serverPeakMemoryBytes: summary.peakMemoryBytes,
  };
}

/** Prints an object as JSON to standard output. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
