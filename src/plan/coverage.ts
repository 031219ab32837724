/** How much of a network is predicted: in all, and by part, with a warning for each part of which it is less than half. */

import { elementCount } from '../graph/graph';
import type { TensorContent } from './plan-tensor';
import type { TrainingWarning } from './training-warnings';

/** Elements of tensors by origin; the parts of the contract's `Coverage`. */
export interface Coverage {
  readonly parameters: number;
  readonly predicted: number;
  readonly tiled: number;
  readonly initialized: number;
  readonly tied: number;
  readonly kept: number;
}

/** A part of a network: the tensors whose names begin with `name` and a dot, or the one that is called so. */
export interface ModuleCoverage {
  /** Empty: what no other part has. */
  readonly name: string;
  readonly coverage: Coverage;
}

/** Parts that a plan lists, at most. */
const MAX_MODULES = 32;

/** Of a part's elements that nobody asked to keep, the share below which it is warned of. */
const WARNED_SHARE = 0.5;

/** Parts with a smaller share of the network's elements are not warned of. */
const LEAST_SHARE = 0.01;

type Counted = Pick<
  TensorContent,
  'name' | 'shape' | 'source' | 'predictedElements' | 'tiledElements' | 'initializedElements'
>;

export function coverageOf(tensors: readonly Counted[]): Coverage {
  const total = { parameters: 0, predicted: 0, tiled: 0, initialized: 0, tied: 0, kept: 0 };
  for (const tensor of tensors) {
    const elements = elementCount(tensor.shape);
    if (tensor.source === 'tied') {
      total.tied += elements;
      continue;
    }
    total.parameters += elements;
    total.predicted += tensor.predictedElements - tensor.tiledElements;
    total.tiled += tensor.tiledElements;
    total.initialized += tensor.initializedElements;
    if (tensor.source === 'kept') total.kept += elements;
  }
  return total;
}

/**
 * The parts of a network by the dots in its tensors' names, in the order of their first tensors. A part that has more
 * than half of the network is split further, unless it is a list of layers or that would make too many.
 */
export function moduleCoverage(tensors: readonly Counted[]): readonly ModuleCoverage[] {
  let parts = split({ name: '', depth: 0, tensors });
  if (parts.length > MAX_MODULES) parts = largest(parts);
  for (;;) {
    const index = parts.findIndex((part) => elements(part) * 2 > elements({ tensors }));
    const part = parts[index];
    const inner = part === undefined ? [] : split(part);
    const isList = inner.some(({ name }) => /(^|\.)\d+$/.test(name));
    if (part === undefined || isWhole(part, inner) || isList) break;
    if (parts.length - 1 + inner.length > MAX_MODULES) break;
    parts = parts.flatMap((other, at) => (at === index ? inner : [other]));
  }
  return parts.map(({ name, tensors: own }) => ({ name, coverage: coverageOf(own) }));
}

/** Warnings of the parts that are predicted to less than half; `meant` are tensors that the caller wants to keep. */
export function coverageWarnings(
  tensors: readonly Counted[],
  modules: readonly ModuleCoverage[],
  meant: ReadonlySet<string>,
): TrainingWarning[] {
  const all = elements({ tensors });
  const meantIn = new Map<string, number>();
  for (const tensor of tensors) {
    if (!meant.has(tensor.name)) continue;
    const part = modules.find(({ name }) => isWithin(tensor.name, name));
    if (part !== undefined) {
      meantIn.set(part.name, (meantIn.get(part.name) ?? 0) + elementCount(tensor.shape));
    }
  }
  return modules.flatMap(({ name, coverage }) => {
    const kept = meantIn.get(name) ?? 0;
    const wanted = coverage.parameters - kept;
    const share = (coverage.predicted + coverage.tiled) / wanted;
    if (wanted === 0 || wanted < all * LEAST_SHARE || share >= WARNED_SHARE) return [];
    const actual = `${(100 * share).toFixed(1)} %`;
    const rest = [
      ...(coverage.initialized > 0 ? [`${coverage.initialized} are filled by rule`] : []),
      ...(coverage.kept > kept ? [`${coverage.kept - kept} are kept as they are`] : []),
    ];
    const part = name === '' ? 'the network' : name;
    const text = `${part}: ${actual} of ${wanted} parameters are predicted, ${rest.join(' and ')}`;
    return [{ kind: 'coverage', field: name === '' ? 'network' : name, actual, trained: '', text } as const];
  });
}

interface Part {
  readonly name: string;
  /** Segments of the name. */
  readonly depth: number;
  readonly tensors: readonly Counted[];
}

function elements({ tensors }: Pick<Part, 'tensors'>): number {
  return coverageOf(tensors).parameters;
}

/** A part by the next segment of its tensors' names. */
function split({ depth, tensors }: Part): Part[] {
  const parts = new Map<string, Counted[]>();
  for (const tensor of tensors) {
    const name = tensor.name.split('.', depth + 1).join('.');
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [tensor]);
    else part.push(tensor);
  }
  return [...parts].map(([name, own]) => ({ name, depth: depth + 1, tensors: own }));
}

/** Whether splitting a part has come to its end: a single tensor. */
function isWhole(part: Part, inner: readonly Part[]): boolean {
  return inner.length === 1 && inner[0]?.name === part.name;
}

/** The largest parts in their order, and one without a name for the others. */
function largest(parts: readonly Part[]): Part[] {
  const kept = new Set([...parts].sort((a, b) => elements(b) - elements(a)).slice(0, MAX_MODULES - 1));
  const others = parts.filter((part) => !kept.has(part));
  const rest: Part = { name: '', depth: 0, tensors: others.flatMap(({ tensors }) => tensors) };
  return [...parts.filter((part) => kept.has(part)), rest];
}

function isWithin(tensor: string, module: string): boolean {
  return module === '' || tensor === module || tensor.startsWith(`${module}.`);
}
