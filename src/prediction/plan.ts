/** The plan: every parameter of an architecture, where its values come from, and where its bytes lie. */

import { createHash } from 'node:crypto';
import {
  blockShape,
  DEFAULT_INITIALIZER_RANGE,
  elementCount,
  type ArchitectureGraph,
  type Block,
  type Parameter,
} from '../graph/graph';
import { graphHash } from '../graph/canonical';
import { quoted, Violations } from '../graph/violations';
import type { Bundle } from '../hypernet/bundle';
import type { HypernetConfig } from '../hypernet/manifest';
import { checkDecodable } from './decodable';
import { bytesPerElement, type ElementType } from '../element-type';
import { coreByteLength, smallerCore, type CoreBlock } from './core';
import { factorsByteLength, smallerFactors, type FactorPiece, type Representation } from './factors';
import { matrixView, placements, type MatrixView, type Placement } from './layout';
import { fillRecipe, predictedRecipe, type PlannedRecipe } from './recipe-for';
import { placementOf, type Box, type Slicing } from './slicing';
import { trainingWarnings, type TrainingWarning } from './training-warnings';
import type { NameSelection } from './selection';

/** Where a tensor's values come from; see `Source` in the contract. */
export type Source = 'predicted' | 'tiled' | 'initialized' | 'tied';

/** A piece of a tensor: a block in the tensor's matrix view. */
export interface Piece extends Placement {
  readonly recipe: PlannedRecipe['recipe'];
}

/** One tensor of the plan. */
export interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly source: Source;
  readonly rank: number;
  readonly sent: boolean;
  /** The box that is sent, in the tensor's dimensions; undefined where it is not sent. */
  readonly box: Box | undefined;
  /** The same in the matrix view. */
  readonly sentPlace: Placement;
  /** Bytes sent; 0 where the tensor is not. */
  readonly bytes: number;
  /** Position of the first byte in the data of the whole answer. */
  readonly offset: number;
  readonly tiedTo: string | undefined;
  readonly predictedElements: number;
  readonly tiledElements: number;
  readonly initializedElements: number;
  readonly view: MatrixView;
  readonly pieces: readonly Piece[];
  /** The pieces as factors, where the tensor is sent so. */
  readonly factors: readonly FactorPiece[] | undefined;
  /** The pieces as cores, where the tensor is sent so. */
  readonly core: readonly CoreBlock[] | undefined;
}

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

/** What the caller chose. */
export interface PlanOptions {
  readonly seed: number;
  readonly elementType: ElementType;
  readonly selection: NameSelection;
  readonly slicing: Slicing;
  readonly representation: Representation;
  /** Whether an architecture with elements filled by rule is refused. */
  readonly strict: boolean;
}

/**
 * Plans a validated graph for a model. Throws LogahError (invalid_argument) where the model cannot decode a parameter,
 * the selection leaves nothing, a slice does not fit, or a strict request has parameters filled by rule.
 */
export function planPrediction(
  graph: ArchitectureGraph,
  bundle: Bundle,
  options: PlanOptions,
): PredictionPlan {
  const { elementType, selection, seed, slicing, representation } = options;
  checkDecodable(graph, bundle.manifest.hypernet);
  const selected = selection.select(graph.parameters.map((parameter) => parameter.name));
  slicing.check(graph.parameters);
  const { hypernet } = bundle.manifest;
  let offset = 0;
  let denseBytes = 0;
  let factorBytes = 0;
  let coreBytes = 0;
  // A model without an expansion sends factors in place of cores.
  const sentAs = representation === 'core' && bundle.expansion === undefined ? 'factors' : representation;
  const tensors = graph.parameters.map((parameter) => {
    const candidate = parameter.tiedTo === undefined && selected.has(parameter.name);
    const box = candidate ? slicing.boxOf(parameter) : undefined;
    const dense = box === undefined ? 0 : elementCount(box.shape) * bytesPerElement(elementType);
    const planned = planTensor(parameter, graph, hypernet);
    const factors = box === undefined ? undefined : smallerFactors(planned.pieces, hypernet.rank, dense);
    const factored = factors === undefined ? dense : factorsByteLength(factors);
    const core =
      box === undefined || bundle.expansion === undefined
        ? undefined
        : smallerCore(planned.pieces, hypernet, elementType, dense);
    const unexpanded = bundle.expansion === undefined ? factored : dense;
    const cored = core === undefined ? unexpanded : coreByteLength(core, hypernet, elementType);
    const bytes = { dense, factors: factored, core: cored }[sentAs];
    const tensor: PlannedTensor = {
      ...planned,
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
  ];
  const fingerprint = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  return {
    bundle,
    graph,
    fingerprint,
    seed,
    elementType,
    tensors,
    totalBytes: offset,
    denseBytes,
    factorBytes,
    coreBytes,
    coverage: coverageOf(tensors),
    warnings: trainingWarnings(graph, bundle.manifest),
  };
}

const NOWHERE: Placement = { row: 0, rows: 0, column: 0, columns: 0 };

/** A tensor, whatever of it is sent. */
type TensorContent = Omit<
  PlannedTensor,
  'sent' | 'box' | 'sentPlace' | 'bytes' | 'offset' | 'factors' | 'core'
>;

function planTensor(parameter: Parameter, graph: ArchitectureGraph, config: HypernetConfig): TensorContent {
  const merged = config.slots > 1 ? parameter : mergeBlocks(parameter);
  const places = placements(merged);
  let rank = 0;
  let predictedElements = 0;
  let tiledElements = 0;
  let initializedElements = 0;
  const pieces = merged.blocks.map((block, index): Piece => {
    const shape = blockShape(merged, block);
    const elements = elementCount(shape);
    const planned =
      block.origin.kind === 'initialization'
        ? fillRecipe(block.origin, elements)
        : predictedRecipe(
            block.origin,
            shape,
            graph.nodes[block.origin.node]?.shape ?? [],
            config,
            graph.initializerRange,
          );
    if (block.origin.kind === 'initialization') {
      initializedElements += elements;
    } else {
      predictedElements += elements;
      tiledElements += elements - planned.distinct;
    }
    rank = Math.max(rank, planned.rank);
    const place = places[index];
    if (place === undefined) throw new Error(`${parameter.name}: block ${index} has no place`);
    return { ...place, recipe: planned.recipe };
  });
  return {
    name: parameter.name,
    shape: parameter.shape,
    source: sourceOf(parameter, predictedElements, tiledElements),
    rank,
    tiedTo: parameter.tiedTo,
    predictedElements,
    tiledElements,
    initializedElements,
    view: matrixView(parameter.shape),
    pieces,
  };
}

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

function sourceOf(parameter: Parameter, predicted: number, tiled: number): Source {
  if (parameter.tiedTo !== undefined) return 'tied';
  if (predicted === 0) return 'initialized';
  return tiled > 0 ? 'tiled' : 'predicted';
}

/**
 * For a model without slots, neighbouring blocks of one node are one block: the published decoder predicts a fused
 * projection whole.
 */
function mergeBlocks(parameter: Parameter): Parameter {
  const blocks: Block[] = [];
  for (const block of parameter.blocks) {
    const last = blocks.at(-1);
    if (
      last?.origin.kind === 'prediction' &&
      block.origin.kind === 'prediction' &&
      last.origin.node === block.origin.node &&
      last.origin.role === block.origin.role
    ) {
      blocks[blocks.length - 1] = { length: last.length + block.length, origin: last.origin };
    } else {
      blocks.push(block);
    }
  }
  return { ...parameter, blocks };
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
