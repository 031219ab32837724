/** Plans, models and summaries as messages of the contract. */

import type { Model } from '../gen/logah/v1/Model';
import type { Plan } from '../gen/logah/v1/Plan';
import type { TensorPlan } from '../gen/logah/v1/TensorPlan';
import type { Bundle } from '../hypernet/bundle';
import type { ElementType } from '../element-type';
import type { PlannedTensor, PredictionPlan, Source } from '../prediction/plan';
import type { TrainingWarning } from '../prediction/training-warnings';

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
} as const satisfies Record<Source, string>;

const WARNING_KINDS = {
  family: 'WARNING_KIND_FAMILY',
  range: 'WARNING_KIND_RANGE',
  untrained: 'WARNING_KIND_UNTRAINED',
} as const satisfies Record<TrainingWarning['kind'], string>;

/** The contract's `Plan`. */
export function planMessage(plan: PredictionPlan): Plan {
  return {
    model: plan.bundle.manifest.name,
    fingerprint: plan.fingerprint,
    dtype: DATA_TYPES[plan.elementType],
    tensors: plan.tensors.map(tensorMessage),
    totalBytes: plan.totalBytes,
    denseBytes: plan.denseBytes,
    factorBytes: plan.factorBytes,
    coverage: plan.coverage,
    warnings: plan.warnings.map((warning) => ({ ...warning, kind: WARNING_KINDS[warning.kind] })),
    nodes: plan.graph.nodes.length,
    family: plan.graph.family,
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
    rank: manifest.hypernet.rank,
    parameters: manifest.parameters,
    license: manifest.license,
    decoder: manifest.hypernet.decoder,
    trainingJson: manifest.training === null ? '' : JSON.stringify(manifest.training),
  };
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
    factors: (tensor.factors ?? []).map(({ recipe: { m, n }, rank, row, rows, column, columns }) => ({
      row,
      rows,
      column,
      columns,
      m,
      n,
      rank,
    })),
    sentStart: [...(tensor.box?.start ?? [])],
    sentShape: [...(tensor.box?.shape ?? [])],
  };
}
