/** Where a request lies outside what a model was trained on, and what its file does not tell. */

import type { ArchitectureGraph, FileWarning } from '../graph/graph';
import type { Manifest, Range } from '../hypernet/manifest';

/** One difference; the fields are those of the contract's `Warning`. */
export interface TrainingWarning {
  readonly kind:
    'family' | 'range' | 'untrained' | 'widening' | 'operations' | 'coverage' | FileWarning['kind'];
  readonly field: string;
  readonly actual: string;
  readonly trained: string;
  readonly text: string;
}

/** Compares a graph's family and sizes with the ranges that the manifest records. */
export function trainingWarnings(graph: ArchitectureGraph, manifest: Manifest): TrainingWarning[] {
  const { name, training } = manifest;
  if (training === null) {
    return [
      {
        kind: 'untrained',
        field: 'model',
        actual: name,
        trained: '',
        text: `model ${name} records no training: its predictions may be no better than noise`,
      },
    ];
  }
  const warnings: TrainingWarning[] = [];
  const families = Object.keys(training.ranges).sort();
  const own = rangesOf(manifest, graph.family);
  if (own === undefined) {
    const actual = graph.family === '' ? 'none' : graph.family;
    const trained = families.join(', ');
    warnings.push({
      kind: 'family',
      field: 'family',
      actual,
      trained,
      text: `family ${actual}: model ${name} was trained on ${trained}`,
    });
  }
  const ranges = own ?? unionOfRanges(Object.values(training.ranges));
  for (const [field, size] of Object.entries(graph.sizes)) {
    const range = Object.hasOwn(ranges, field) ? ranges[field] : undefined;
    if (range !== undefined && size >= range[0] && size <= range[1]) continue;
    const trained =
      range === undefined ? 'never' : range[0] === range[1] ? `${range[0]}` : `${range[0]} to ${range[1]}`;
    const clause = range === undefined ? 'was never trained with one' : `was trained on ${trained}`;
    warnings.push({
      kind: 'range',
      field,
      actual: `${size}`,
      trained,
      text: `${field} ${size}: model ${name} ${clause}`,
    });
  }
  return warnings;
}

/** What was found when the network's file was read. */
export function fileWarnings({ warnings = [] }: ArchitectureGraph): TrainingWarning[] {
  return warnings.map(({ kind, tensors, text }) => ({
    kind,
    field: 'parameters',
    actual: tensors,
    trained: '',
    text,
  }));
}

/** The ranges of a family's training, whatever the family is called; undefined where there are none. */
export function rangesOf(
  { training }: Manifest,
  family: string,
): Readonly<Record<string, Range>> | undefined {
  return training !== null && Object.hasOwn(training.ranges, family) ? training.ranges[family] : undefined;
}

function unionOfRanges(all: readonly Readonly<Record<string, Range>>[]): Record<string, Range> {
  const union = new Map<string, Range>();
  for (const ranges of all) {
    for (const [field, [low, high]] of Object.entries(ranges)) {
      const [from, to] = union.get(field) ?? [low, high];
      union.set(field, [Math.min(from, low), Math.max(to, high)]);
    }
  }
  return Object.fromEntries(union);
}
