/** The plan: every parameter of an architecture, where its values come from, and where its bytes lie. */

import { createHash } from 'node:crypto';
import { DEFAULT_INITIALIZER_RANGE, elementCount, type ArchitectureGraph } from '../graph/graph';
import { graphHash } from '../graph/canonical';
import { quoted, Violations } from '../graph/violations';
import type { Widening } from '../graph/widening';
import type { Bundle } from '../hypernet/bundle';
import { checkDecodable } from './decodable';
import { bytesPerElement, type ElementType } from '../element-type';
import { coreByteLength, smallerCore } from './core';
import { factorsByteLength, smallerFactors, type Representation } from './factors';
import type { Placement } from './layout';
import type { PlannedTensor } from './planned-tensor';
import { planTensor } from './plan-tensor';
import { placementOf, type Slicing } from './slicing';
import { trainingWarnings, type TrainingWarning } from './training-warnings';
import type { NameSelection } from './selection';
import { AS_IT_IS, type WideningChoice } from './widening-choice';

/** Elements of all tensors by origin; the first four parts of the contract's `Coverage`. */
export interface Coverage {
  readonly parameters: number;
  readonly predicted: number;
  readonly tiled: number;
  readonly initialized: number;
  readonly tied: number;
}

/** A whole plan. */
export interface PredictionPlan {
  readonly bundle: Bundle;
  readonly graph: ArchitectureGraph;
  /** What the graph is made of; undefined: of itself. */
  readonly widening: Widening | undefined;
  /** The noise that is added, in standard deviations of each block; 0: none. */
  readonly lift: number;
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
  readonly warnings: readonly TrainingWarning[];
}

/** The graph that the encoder sees. */
export function encodedGraph({ graph, widening }: PredictionPlan): ArchitectureGraph {
  return widening?.base ?? graph;
}

/** What the caller chose. */
export interface PlanOptions {
  readonly seed: number;
  readonly elementType: ElementType;
  readonly selection: NameSelection;
  readonly slicing: Slicing;
  readonly representation: Representation;
  /** The noise to add, in standard deviations of each block; above 0 only where what is sent is dense. */
  readonly lift: number;
  /** Whether an architecture with elements filled by rule is refused. */
  readonly strict: boolean;
}

/**
 * Plans a validated graph for a model, as it is or made of its base's weights. Throws LogahError (invalid_argument) where the model cannot decode a parameter,
 * the selection leaves nothing, a slice does not fit, or a strict request has parameters filled by rule.
 */
export function planPrediction(
  graph: ArchitectureGraph,
  bundle: Bundle,
  options: PlanOptions,
  { widening, warnings }: WideningChoice = AS_IT_IS,
): PredictionPlan {
  const { elementType, selection, seed, slicing, representation, lift } = options;
  checkDecodable(graph, bundle.manifest.hypernet, widening?.base);
  const selected = selection.select(graph.parameters.map((parameter) => parameter.name));
  slicing.check(graph.parameters);
  const { hypernet } = bundle.manifest;
  let offset = 0;
  let denseBytes = 0;
  let factorBytes = 0;
  let coreBytes = 0;
  // A model without an expansion sends factors in place of cores.
  const sentAs = representation === 'core' && bundle.expansion === undefined ? 'factors' : representation;
  const planning = { graph, widening, config: hypernet };
  const tensors = graph.parameters.map((parameter, index) => {
    const candidate = parameter.tiedTo === undefined && selected.has(parameter.name);
    const box = candidate ? slicing.boxOf(parameter) : undefined;
    const dense = box === undefined ? 0 : elementCount(box.shape) * bytesPerElement(elementType);
    const planned = planTensor(index, planning);
    const factors =
      box === undefined || lift > 0 ? undefined : smallerFactors(planned.pieces, hypernet.rank, dense);
    const factored = factors === undefined ? dense : factorsByteLength(factors);
    const core =
      box === undefined || lift > 0 || bundle.expansion === undefined
        ? undefined
        : smallerCore(planned.pieces, hypernet, elementType, dense);
    const unexpanded = bundle.expansion === undefined ? factored : dense;
    const cored = core === undefined ? unexpanded : coreByteLength(core, hypernet, elementType);
    const bytes = { dense, factors: factored, core: cored }[sentAs];
    const tensor: PlannedTensor = {
      ...planned,
      // Noise has full rank.
      rank: lift > 0 ? 0 : planned.rank,
      sent: box !== undefined,
      box,
      sentPlace: box === undefined ? NOWHERE : placementOf(box, parameter.shape),
      bytes,
      offset,
      factors: sentAs === 'factors' ? factors : undefined,
      core: sentAs === 'core' ? core : undefined,
    };
    offset += bytes;
    denseBytes += dense;
    factorBytes += factored;
    coreBytes += cored;
    return tensor;
  });
  if (options.strict) checkPredicted(tensors);
  const sent = tensors.flatMap(({ name, box }) => (box === undefined ? [] : [[name, box.start, box.shape]]));
  const identity = [
    bundle.fingerprint,
    graphHash(graph),
    seed,
    elementType,
    representation,
    sent,
    ...(hypernet.normalization === 'std' ? [graph.initializerRange ?? DEFAULT_INITIALIZER_RANGE] : []),
    ...(widening === undefined ? [] : [{ copies: widening.copies, base: graphHash(widening.base) }]),
    ...(lift > 0 ? [{ lift }] : []),
  ];
  const fingerprint = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  return {
    bundle,
    graph,
    widening,
    lift,
    fingerprint,
    seed,
    elementType,
    tensors,
    totalBytes: offset,
    denseBytes,
    factorBytes,
    coreBytes,
    coverage: coverageOf(tensors),
    warnings: [...trainingWarnings(widening?.base ?? graph, bundle.manifest), ...warnings],
  };
}

const NOWHERE: Placement = { row: 0, rows: 0, column: 0, columns: 0 };

/** Throws LogahError (invalid_argument) that names each parameter with elements filled by rule. */
function checkPredicted(tensors: readonly PlannedTensor[]): void {
  const violations = new Violations();
  for (const { name, shape, initializedElements } of tensors) {
    if (initializedElements === 0) continue;
    const share = `${initializedElements} of ${elementCount(shape)} elements`;
    violations.add(
      'architecture',
      `parameter ${quoted(name)} of shape ${quoted(shape)} is not predicted: ${share} would be filled by rule, ` +
        'which strict does not allow',
    );
  }
  violations.throwIfAny();
}

function coverageOf(tensors: readonly PlannedTensor[]): Coverage {
  const total = { parameters: 0, predicted: 0, tiled: 0, initialized: 0, tied: 0 };
  for (const tensor of tensors) {
    if (tensor.tiedTo !== undefined) {
      total.tied += elementCount(tensor.shape);
      continue;
    }
    total.parameters += elementCount(tensor.shape);
    total.predicted += tensor.predictedElements - tensor.tiledElements;
    total.tiled += tensor.tiledElements;
    total.initialized += tensor.initializedElements;
  }
  return total;
}
