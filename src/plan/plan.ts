/** The plan: every parameter of an architecture, where its values come from, and where its bytes lie. */

import { createHash } from 'node:crypto';
import { DEFAULT_INITIALIZER_RANGE, elementCount, type ArchitectureGraph } from '../graph/graph';
import { graphHash } from '../graph/canonical';
import { updateWithList } from '../graph/hash-json';
import { quoted, Violations } from '../graph/violations';
import type { Widening } from '../graph/widening';
import type { Bundle } from '../hypernet/bundle';
import { coverageOf, coverageWarnings, moduleCoverage, type Coverage, type ModuleCoverage } from './coverage';
import { checkDecodable } from './decodable';
import { bytesPerElement, type ElementType } from '../element-type';
import { isNoisy, type Blend } from './blend/blend';
import { coreByteLength, smallerCore } from './core';
import { factorsByteLength, smallerFactors, type Representation } from './factors';
import type { PlannedTensor } from './planned-tensor';
import { planTensor, type TensorContent } from './plan-tensor';
import { NO_RUNS, runsOf } from './runs';
import { seededElements } from './seeded';
import type { Sliceable, Slicing } from './slicing';
import { fileWarnings, trainingWarnings, type TrainingWarning } from './training-warnings';
import type { NameSelection } from './selection';
import { AS_IT_IS, type WideningChoice } from './widening-choice';

/** A whole plan. */
export interface PredictionPlan extends Blend {
  readonly bundle: Bundle;
  readonly graph: ArchitectureGraph;
  /** What the graph is made of; undefined: of itself. */
  readonly widening: Widening | undefined;
  /** Other numbers of copies than 1 that it could be made of, in order. */
  readonly possibleCopies: readonly number[];
  readonly fingerprint: string;
  readonly seed: number;
  readonly elementType: ElementType;
  readonly tensors: readonly PlannedTensor[];
  readonly totalBytes: number;
  /** Bytes of all data, were the request sent dense, as factors, and as cores. */
  readonly denseBytes: number;
  readonly factorBytes: number;
  readonly coreBytes: number;
  readonly coverage: Coverage;
  /** Elements, sent or not, that the seed has a part in. */
  readonly seededElements: number;
  /** The same of parts of the network. */
  readonly modules: readonly ModuleCoverage[];
  readonly warnings: readonly TrainingWarning[];
}

/** The graph that the encoder sees. */
export function encodedGraph({ graph, widening }: PredictionPlan): ArchitectureGraph {
  return widening?.base ?? graph;
}

/** What the caller chose. */
export interface PlanOptions extends Blend {
  readonly seed: number;
  readonly elementType: ElementType;
  readonly selection: NameSelection;
  readonly slicing: Slicing;
  readonly representation: Representation;
  /** Whether an architecture with elements filled by rule is refused. */
  readonly strict: boolean;
}

/** Of low-rank decoders: changes with the arithmetic, and with it the last bits of what is predicted. */
const DECODING = 'decoding 3';

/**
 * Plans a validated graph for a model, as it is or made of its base's weights. Throws LogahError (invalid_argument) where the model cannot decode a parameter,
 * the selection leaves nothing, a slice does not fit, or a strict request has parameters filled by rule.
 */
export function planPrediction(
  graph: ArchitectureGraph,
  bundle: Bundle,
  options: PlanOptions,
  { widening, possible, warnings }: WideningChoice = AS_IT_IS,
  otherWarnings: readonly TrainingWarning[] = [],
): PredictionPlan {
  const { elementType, selection, seed, slicing, representation, strength, lift, base } = options;
  const hasNoise = isNoisy(options);
  checkDecodable(graph, bundle.manifest.hypernet, widening?.base);
  const selected = selection.select(graph.parameters.map((parameter) => parameter.name));
  const { hypernet } = bundle.manifest;
  const planning = { graph, widening, config: hypernet, blend: options };
  const contents = graph.parameters.map((_, index) => planTensor(index, planning));
  slicing.check(sliceable(contents));
  let offset = 0;
  let denseBytes = 0;
  let factorBytes = 0;
  let coreBytes = 0;
  // A model without an expansion sends factors in place of cores.
  const sentAs = representation === 'core' && bundle.expansion === undefined ? 'factors' : representation;
  const tensors = contents.map((planned) => {
    const candidate = unsentAs(planned) === undefined && selected.has(planned.name);
    const box = candidate ? slicing.boxOf(planned) : undefined;
    const dense = box === undefined ? 0 : elementCount(box.shape) * bytesPerElement(elementType);
    const factors =
      box === undefined || hasNoise ? undefined : smallerFactors(planned.pieces, hypernet.rank, dense);
    const factored = factors === undefined ? dense : factorsByteLength(factors);
    const core =
      box === undefined || bundle.expansion === undefined
        ? undefined
        : smallerCore(planned.pieces, hypernet, elementType, dense, lift);
    const unexpanded = bundle.expansion === undefined ? factored : dense;
    const cored = core === undefined ? unexpanded : coreByteLength(core, hypernet, elementType);
    const bytes = { dense, factors: factored, core: cored }[sentAs];
    // Of a large graph, copies would be megabytes.
    const tensor: PlannedTensor = Object.assign(planned, {
      // Noise has full rank.
      rank: hasNoise ? 0 : planned.rank,
      sent: box !== undefined,
      box,
      runs: box === undefined ? NO_RUNS : runsOf(box, planned.shape),
      bytes,
      offset,
      factors: sentAs === 'factors' ? factors : undefined,
      core: sentAs === 'core' ? core : undefined,
    });
    offset += bytes;
    denseBytes += dense;
    factorBytes += factored;
    coreBytes += cored;
    return tensor;
  });
  if (options.strict) checkPredicted(tensors);
  const fingerprint = fingerprintOf(
    [
      bundle.fingerprint,
      ...(hypernet.decoder === 'dense' ? [] : [DECODING]),
      graphHash(graph),
      seed,
      elementType,
      representation,
    ],
    tensors,
    [
      ...(hypernet.normalization === 'std' ? [graph.initializerRange ?? DEFAULT_INITIALIZER_RANGE] : []),
      ...(widening === undefined ? [] : [{ copies: widening.copies, base: graphHash(widening.base) }]),
      ...(lift > 0 ? [{ lift }] : []),
      ...(strength === 1 ? [] : [{ strength }]),
      ...(base > 0 ? [{ base }] : []),
    ],
  );
  const modules = moduleCoverage(tensors);
  const kept = graph.parameters.filter(({ keep }) => keep === 'always').map(({ name }) => name);
  return {
    bundle,
    graph,
    widening,
    possibleCopies: possible,
    strength,
    lift,
    base,
    fingerprint,
    seed,
    elementType,
    tensors,
    totalBytes: offset,
    denseBytes,
    factorBytes,
    coreBytes,
    coverage: coverageOf(tensors),
    seededElements: seededElements(tensors, lift),
    modules,
    warnings: [
      ...fileWarnings(graph),
      // A start was trained on nothing, and predicts nothing.
      ...(bundle.builtIn === true
        ? []
        : [
            ...trainingWarnings(widening?.base ?? graph, bundle.manifest),
            ...warnings,
            ...otherWarnings,
            ...coverageWarnings(tensors, modules, new Set(kept)),
          ]),
    ],
  };
}

/** The SHA-256 of a list as JSON: what is before, the boxes that are sent, and what is behind. */
function fingerprintOf(
  before: readonly unknown[],
  tensors: readonly PlannedTensor[],
  behind: readonly unknown[],
): string {
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify(before).slice(0, -1)},`);
  updateWithList(hash, sentBoxes(tensors));
  hash.update(behind.length === 0 ? ']' : `,${JSON.stringify(behind).slice(1)}`);
  return hash.digest('hex');
}

function* sentBoxes(tensors: readonly PlannedTensor[]): Iterable<unknown> {
  for (const { name, box, pieces } of tensors) {
    if (box === undefined) continue;
    // The default start depends on more of the graph than its hash has.
    const starts = pieces.flatMap(({ recipe, base }) => {
      const shift = 'shift' in recipe ? recipe.shift : undefined;
      return [base, shift].filter((number) => number !== undefined);
    });
    yield [name, box.start, box.shape, ...(starts.length === 0 ? [] : [starts])];
  }
}

function* sliceable(contents: readonly TensorContent[]): Generator<Sliceable> {
  for (const content of contents) {
    const { name, shape } = content;
    yield { name, shape, unsent: unsentAs(content) };
  }
}

/** Why a tensor is never sent; undefined: it can be. */
function unsentAs({ source, tiedTo }: Pick<TensorContent, 'source' | 'tiedTo'>): string | undefined {
  if (source === 'kept') return 'kept by the caller';
  return tiedTo === undefined ? undefined : `tied to ${quoted(tiedTo)}`;
}

/** Throws LogahError (invalid_argument) that names each parameter with elements filled by rule. */
function checkPredicted(tensors: readonly PlannedTensor[]): void {
  const violations = new Violations();
  for (const { name, shape, initializedElements, startedElements } of tensors) {
    const unasked = initializedElements - startedElements;
    if (unasked === 0) continue;
    const share = `${unasked} of ${elementCount(shape)} elements`;
    violations.add(
      'architecture',
      `parameter ${quoted(name)} of shape ${quoted(shape)} is not predicted: ${share} would be filled by rule, ` +
        'which strict does not allow',
    );
  }
  violations.throwIfAny();
}
