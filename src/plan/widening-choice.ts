/** How often the weights of a narrower network are repeated: as asked, or as a model's training needs. */

import { widenedFamilies, type Network } from '../architecture';
import { invalidField } from '../errors';
import type { ArchitectureGraph } from '../graph/graph';
import { Violations } from '../graph/violations';
import { widen, type Widening } from '../graph/widening';
import type { Manifest, Range } from '../hypernet/manifest';
import { rangesOf, type TrainingWarning } from './training-warnings';

/** The choice, and what to tell of it. */
export interface WideningChoice {
  /** Undefined: the network is predicted as it is. */
  readonly widening: Widening | undefined;
  /** More than 1 that a request may ask for, in order. */
  readonly possible: readonly number[];
  readonly warnings: readonly TrainingWarning[];
}

/** Of a network that is predicted as it is. */
export const AS_IT_IS: WideningChoice = { widening: undefined, possible: [], warnings: [] };

/** The most that a request may ask for, and that is tried. */
export const MAX_COPIES = 1024;
const FIELD = 'copies';

/**
 * The widening of `copies`, or, where that is undefined, of the fewest that bring every width into the ranges of
 * training. Throws LogahError (invalid_argument) that names what rules the number out; a number of its own choice is
 * ruled out with a warning.
 */
export function chooseWidening(
  network: Network,
  manifest: Manifest,
  copies: number | undefined,
): WideningChoice {
  const possible = network.narrowed === undefined ? [] : possibleCopies(network.graph);
  if (copies === 1) return { ...AS_IT_IS, possible };
  return copies === undefined
    ? { ...trainedWidening(network, manifest, possible), possible }
    : { widening: askedWidening(network, copies, possible), possible, warnings: [] };
}

function askedWidening(network: Network, copies: number, possible: readonly number[]): Widening | undefined {
  const { graph, narrowed } = network;
  if (narrowed === undefined) {
    throw invalidField(
      FIELD,
      `is ${copies}; at most 1 is allowed for a graph or an ONNX file, which do not say what of them is a width; a ` +
        'transformers configuration does',
    );
  }
  if (graph.widths === undefined) {
    throw invalidField(
      FIELD,
      `is ${copies}; at most 1 is allowed for this "${graph.family}" network, of which no sizes are known that copies ` +
        'multiply; with 1, or without a number, it is predicted as it is. Networks that can be made of copies are ' +
        `those of ${widenedFamilies.join(', ')}`,
    );
  }
  if (!possible.includes(copies)) {
    const widths = sizesOf(graph).map(({ name, size }) => `${name} ${size}`);
    throw invalidField(
      FIELD,
      `is ${copies}; what divides ${joined(widths)} is allowed: ${[1, ...possible].join(', ')}`,
    );
  }
  const violations = new Violations();
  const base = narrowed(copies, violations);
  violations.throwIfAny();
  const widening = base && widen(graph, base, copies, FIELD, violations);
  violations.throwIfAny();
  return widening;
}

function trainedWidening(
  { graph, narrowed }: Network,
  manifest: Manifest,
  possible: readonly number[],
): Omit<WideningChoice, 'possible'> {
  const ranges = rangesOf(manifest, graph.family);
  if (ranges === undefined || narrowed === undefined || isTrained(graph, ranges, 1)) return AS_IT_IS;
  let reason: string | undefined;
  for (const copies of possible) {
    if (!isTrained(graph, ranges, copies)) continue;
    const violations = new Violations();
    const base = narrowed(copies, violations);
    const widening = base && widen(graph, base, copies, FIELD, violations);
    if (widening !== undefined) return { widening, warnings: [] };
    reason ??= violations.first?.description;
  }
  return { widening: undefined, warnings: [noneWarning(graph, manifest.name, ranges, reason)] };
}

/** The numbers above 1 that divide every width, in order; none without widths. */
function possibleCopies(graph: ArchitectureGraph): number[] {
  const sizes = sizesOf(graph).map(({ size }) => size);
  const most = Math.min(MAX_COPIES, ...sizes);
  const numbers: number[] = [];
  for (let copies = 2; sizes.length > 0 && copies <= most; copies++) {
    if (sizes.every((size) => size % copies === 0)) numbers.push(copies);
  }
  return numbers;
}

/** Whether the widths, divided by `copies`, lie within the ranges; of a width without a range training says nothing. */
function isTrained(
  graph: ArchitectureGraph,
  ranges: Readonly<Record<string, Range>>,
  copies: number,
): boolean {
  return sizesOf(graph).every(({ name, size }) => {
    const range = ranges[name];
    return range === undefined || (size >= range[0] * copies && size <= range[1] * copies);
  });
}

function sizesOf({ widths = [], sizes }: ArchitectureGraph): { name: string; size: number }[] {
  return widths.flatMap((name) => {
    const size = sizes[name];
    return size === undefined ? [] : [{ name, size }];
  });
}

function noneWarning(
  graph: ArchitectureGraph,
  model: string,
  ranges: Readonly<Record<string, Range>>,
  reason: string | undefined,
): TrainingWarning {
  const widths = sizesOf(graph).filter(({ name }) => ranges[name] !== undefined);
  const trained = joined(widths.map(({ name }) => `${name} ${(ranges[name] ?? []).join(' to ')}`));
  const actual = joined(widths.map(({ name, size }) => `${name} ${size}`));
  const because =
    reason === undefined
      ? `no number of copies brings ${actual} into what model ${model} was trained on, ${trained}`
      : `the network cannot be made of copies that model ${model} was trained on: copies ${reason}`;
  return { kind: 'widening', field: FIELD, actual, trained, text: `copies 1: ${because}` };
}

function joined(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
