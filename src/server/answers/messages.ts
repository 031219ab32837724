/** Plans, models and summaries as messages of the contract. */

import type { CoreBlock as CoreBlockMessage } from '../../gen/logah/v1/CoreBlock';
import type { Expansion } from '../../gen/logah/v1/Expansion';
import type { FactorBlock } from '../../gen/logah/v1/FactorBlock';
import type { Model } from '../../gen/logah/v1/Model';
import type { Plan } from '../../gen/logah/v1/Plan';
import type { TensorPlan } from '../../gen/logah/v1/TensorPlan';
import type { Widening } from '../../gen/logah/v1/Widening';
import { toProtoInitialization } from '../../graph/filling-message';
import type { Bundle } from '../../hypernet/bundle';
import type { ElementType } from '../../element-type';
import type { CoreBlock } from '../../plan/core';
import type { FactorPiece } from '../../plan/factors';
import { matrixView } from '../../plan/layout';
import type { PredictionPlan } from '../../plan/plan';
import type { PlannedTensor } from '../../plan/planned-tensor';
import type { Source } from '../../plan/plan-tensor';
import type { TrainingWarning } from '../../plan/training-warnings';

const DATA_TYPES = {
  f32: 'DATA_TYPE_FLOAT32',
  f16: 'DATA_TYPE_FLOAT16',
  bf16: 'DATA_TYPE_BFLOAT16',
} as const satisfies Record<ElementType, string>;

const SOURCES = {
  predicted: 'SOURCE_PREDICTED',
  tiled: 'SOURCE_TILED',
  initialized: 'SOURCE_INITIALIZED',
  tied: 'SOURCE_TIED',
  kept: 'SOURCE_KEPT',
} as const satisfies Record<Source, string>;

const WARNING_KINDS = {
  family: 'WARNING_KIND_FAMILY',
  range: 'WARNING_KIND_RANGE',
  untrained: 'WARNING_KIND_UNTRAINED',
  widening: 'WARNING_KIND_WIDENING',
  operations: 'WARNING_KIND_OPERATIONS',
  coverage: 'WARNING_KIND_COVERAGE',
  folded: 'WARNING_KIND_FOLDED',
  merged: 'WARNING_KIND_MERGED',
} as const satisfies Record<TrainingWarning['kind'], string>;

const CORE_LAYOUTS = {
  elements: 'CORE_LAYOUT_ELEMENTS',
  constant: 'CORE_LAYOUT_CONSTANT',
  rule: 'CORE_LAYOUT_RULE',
  matrix: 'CORE_LAYOUT_MATRIX',
  transposed_matrix: 'CORE_LAYOUT_MATRIX_TRANSPOSED',
  kernel: 'CORE_LAYOUT_KERNEL',
  positions: 'CORE_LAYOUT_POSITIONS',
  norm_weight: 'CORE_LAYOUT_NORM_WEIGHT',
  bias: 'CORE_LAYOUT_BIAS',
} as const satisfies Record<CoreBlock['layout'], string>;

/** Tensors of a plan's message at a time; all of them would take many times the plan's own memory. */
const TENSORS_AT_A_TIME = 256;

/** The contract's `Plan` in parts, whose fields put one behind the other are those of the whole. */
export function* planMessages(plan: PredictionPlan): Generator<Plan, void, undefined> {
  yield {
    model: plan.bundle.manifest.name,
    fingerprint: plan.fingerprint,
    dtype: DATA_TYPES[plan.elementType],
  };
  for (let start = 0; start < plan.tensors.length; start += TENSORS_AT_A_TIME) {
    yield { tensors: plan.tensors.slice(start, start + TENSORS_AT_A_TIME).map(tensorMessage) };
  }
  yield {
    totalBytes: plan.totalBytes,
    denseBytes: plan.denseBytes,
    factorBytes: plan.factorBytes,
    coreBytes: plan.coreBytes,
    expansion: expansionMessage(plan),
    coverage: plan.coverage,
    modules: [...plan.modules],
    warnings: plan.warnings.map((warning) => ({ ...warning, kind: WARNING_KINDS[warning.kind] })),
    nodes: plan.graph.nodes.length,
    family: plan.graph.family,
    hasTokenizer: hasTokenizer(plan),
    widening: wideningMessage(plan),
    possibleCopies: [...plan.possibleCopies],
    lift: plan.lift,
    strength: plan.strength,
    base: plan.base,
    seededElements: plan.seededElements,
    constants: [...(plan.graph.constants ?? [])].map((constant) => ({
      ...constant,
      shape: [...constant.shape],
    })),
    notes: [...(plan.graph.notes ?? [])],
  };
}

/** The contract's `Model`. */
export function modelMessage(bundle: Bundle): Model {
  const { manifest, fingerprint } = bundle;
  return {
    name: manifest.name,
    description: manifest.description,
    fingerprint,
    families: manifest.families,
    operations: manifest.hypernet.operations,
    rank: bundle.builtIn === true ? 0 : manifest.hypernet.rank,
    parameters: manifest.parameters,
    license: manifest.license,
    decoder: bundle.builtIn === true ? '' : manifest.hypernet.decoder,
    trainingJson: manifest.training === null ? '' : JSON.stringify(manifest.training),
    tokenizerVocabSize: manifest.tokenizer?.vocab_size ?? 0,
    builtIn: bundle.builtIn === true,
  };
}

function expansionMessage({ bundle, tensors }: PredictionPlan): Expansion | null {
  if (bundle.expansion === undefined || tensors.every(({ core }) => core === undefined)) return null;
  const { ck, rank } = bundle.manifest.hypernet;
  return { sha256: bundle.expansion.sha256, rows: ck, rank };
}

function wideningMessage({ widening }: PredictionPlan): Widening | null {
  if (widening === undefined) return null;
  const { widths = [], sizes } = widening.base;
  return {
    copies: widening.copies,
    base: Object.fromEntries(widths.map((name) => [name, sizes[name] ?? 0])),
  };
}

function coreMessage(block: CoreBlock): CoreBlockMessage {
  const { row, rows, column, columns } = block;
  const message = { row, rows, column, columns, layout: CORE_LAYOUTS[block.layout] };
  if (block.layout === 'constant' || block.layout === 'elements') return message;
  if (block.layout === 'rule') return { ...message, rule: toProtoInitialization(block.recipe) };
  const { m, n, height = 0, width = 0, start = 0, length = 0, lifted = false } = block;
  return { ...message, m, n, height, width, start, length, lifted };
}

function factorMessage({ recipe, transposed, rank, row, rows, column, columns }: FactorPiece): FactorBlock {
  const [m, n] = transposed ? [recipe.n, recipe.m] : [recipe.m, recipe.n];
  return { row, rows, column, columns, m, n, rank };
}

/** What blocks lie in, where that is not the shape itself, seen as a matrix. */
function sentView({ shape, view, factors, core }: PlannedTensor): number[] {
  if (factors === undefined && core === undefined) return [];
  const { rows, columns } = matrixView(shape);
  const isPlain = rows === view.rows && columns === view.columns;
  return isPlain && (factors === undefined || shape.length === 2) ? [] : [view.rows, view.columns];
}

function hasTokenizer({ bundle: { manifest }, graph }: PredictionPlan): boolean {
  const { tokenizer, families } = manifest;
  return (
    tokenizer !== null && families.includes(graph.family) && graph.sizes.vocab_size === tokenizer.vocab_size
  );
}

function tensorMessage(tensor: PlannedTensor): TensorPlan {
  return {
    name: tensor.name,
    shape: [...tensor.shape],
    source: SOURCES[tensor.source],
    rank: tensor.rank,
    bytes: tensor.bytes,
    offset: tensor.sent ? tensor.offset : 0,
    tiedTo: tensor.tiedTo ?? '',
    sent: tensor.sent,
    predictedElements: tensor.predictedElements,
    tiledElements: tensor.tiledElements,
    initializedElements: tensor.initializedElements,
    startedElements: tensor.startedElements,
    factors: (tensor.factors ?? []).map(factorMessage),
    core: (tensor.core ?? []).map(coreMessage),
    sentStart: [...(tensor.box?.start ?? [])],
    sentShape: [...(tensor.box?.shape ?? [])],
    view: sentView(tensor),
  };
}
