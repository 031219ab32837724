/**
 * The order of the stages up to the plan, written once: request -> architecture -> model -> widening -> plan. It knows
 * nothing of gRPC and runs on the planning thread.
 */

import { readNetwork } from '../../architecture';
import { toProtoGraph } from '../../architecture/explicit-graph';
import { messageShape } from '../../contract/message-shape';
import { logahService } from '../../contract/proto-definition';
import { packGraph } from '../../decode/packed-graph';
import { invalidField, LogahError } from '../../errors';
import type { PredictRequest__Output } from '../../gen/logah/v1/PredictRequest';
import { graphHash } from '../../graph/canonical';
import { graphSize, type GraphLimits } from '../../graph/limits';
import type { ArchitectureGraph } from '../../graph/graph';
import { dataRange, type DataRange } from '../../plan/data-range';
import { encodedGraph, planPrediction, type PredictionPlan } from '../../plan/plan';
import { chooseWidening } from '../../plan/widening-choice';
import { startOf } from '../../starts';
import { knownNetwork } from './known-operations';
import { startedNetwork } from './started-network';
import { contentOf, framedFields, type FieldParts } from '../answers/message-parts';
import { planMessages } from '../answers/messages';
import type { ModelChoice } from './model-choice';
import { packTensors } from './packed-tensors';
import { inspectedRequest, readInspection, withTensors, type InspectionOptions } from './inspection-request';
import type { PlannedCall, PlanTask, StreamedPlan } from './planning-protocol';
import { readOptions, type AnswerOptions } from './request';
import { parametersExceeded } from '../security/refusals';
import type { Scopes } from '../security/scopes';
import { checkBounds, requestBounds } from '../admission/request-bounds';

/** What is planned with. */
export interface PlanningContext {
  readonly models: ModelChoice;
  readonly limits: GraphLimits;
}

/**
 * Plans a request from its bytes. `checkpoint` is called between stages and may throw. Throws LogahError where the
 * request is wrong; see `docs/architecture.md` for the status of each stage.
 */
export function planCall(
  { kind, bytes, scopes }: Pick<PlanTask, 'kind' | 'bytes' | 'scopes'>,
  context: PlanningContext,
  checkpoint: () => void,
): PlannedCall {
  const { request, withGraph, inspection } = readRequest(kind, bytes, context.limits);
  const { plan, options, read } = planned(request, scopes, context, checkpoint);
  const looked = inspection && withTensors(inspection, plan.tensors.filter(({ sent }) => sent).length);
  const range = dataRange(options.resume, plan.fingerprint, plan.totalBytes);
  const { chunkBytes, sha256 } = options;
  return {
    head: {
      model: plan.bundle.manifest.name,
      bundle: plan.bundle.fingerprint,
      fingerprint: plan.fingerprint,
      totalBytes: plan.totalBytes,
      tensors: plan.tensors.length,
      parameters: plan.coverage.parameters,
      sentElements: plan.tensors.reduce(
        (sum, { sent, runs }) => sum + (sent ? runs.length * runs.count : 0),
        0,
      ),
      seed: plan.seed,
      lift: plan.lift,
      elementType: plan.elementType,
      representation: options.representation,
      range,
      chunkBytes,
      sha256,
    },
    message: inspection === undefined ? messageOf(plan, withGraph ? read : undefined) : new Uint8Array(0),
    streamed: kind === 'Plan' ? undefined : streamed(plan, inspection === undefined ? range : EVERYTHING),
    inspection: looked,
  };
}

function planned(
  request: PredictRequest__Output,
  scopes: Scopes,
  { limits, models }: PlanningContext,
  checkpoint: () => void,
): { readonly plan: PredictionPlan; readonly options: AnswerOptions; readonly read: ArchitectureGraph } {
  checkpoint();
  const options = readOptions(request);
  const network = readNetwork(request.architecture, limits);
  const isGraph = request.architecture?.graph != null;
  // Of a large graph this is the largest part, and of no use any more.
  request.architecture = null;
  checkpoint();
  const { graph } = network;
  const { elements } = graphSize(graph);
  if (elements > scopes.parameters) throw parametersExceeded(elements, scopes.parameters);
  const bundle = models.choose(request.model, graph.family, scopes);
  const start = startOf(bundle);
  const known =
    start === undefined
      ? knownNetwork(
          graph,
          chooseWidening(network, bundle.manifest, options.copies),
          { isGraph, strict: options.strict },
          bundle,
          models.bundles,
        )
      : startedNetwork(graph, start, options);
  checkpoint();
  const plan = planPrediction(known.graph, bundle, options, known.choice, known.warnings);
  checkpoint();
  return { plan, options, read: graph };
}

function streamed(plan: PredictionPlan, range: DataRange): StreamedPlan {
  const graph = encodedGraph(plan);
  const hasCores = plan.tensors.some(({ core }) => core !== undefined);
  return {
    requestKey: `${plan.bundle.fingerprint}/${graphHash(graph)}`,
    graph: packGraph(graph),
    hasCores,
    tensors: packTensors(plan.tensors, hasCores ? { start: 0, end: plan.totalBytes } : range),
  };
}

/** Tensors without bytes, too. */
const EVERYTHING = { start: -1, end: Infinity };

/** `PlanResponse.plan`, and `PredictResponse.plan`; `PlanResponse.graph`. */
const PLAN_FIELD = 1;
const GRAPH_FIELD = 2;

function messageOf(plan: PredictionPlan, graph: ArchitectureGraph | undefined): Buffer {
  const { responseSerialize } = logahService.Plan;
  const parts = Array.from(planMessages(plan), (part) => contentOf(responseSerialize({ plan: part })));
  const fields: FieldParts[] = [{ number: PLAN_FIELD, parts }];
  if (graph !== undefined) {
    const part = contentOf(responseSerialize({ graph: toProtoGraph(graph) }));
    fields.push({ number: GRAPH_FIELD, parts: [part] });
  }
  return framedFields(fields);
}

/** A request, whichever RPC it came with. */
interface ReadRequest {
  readonly request: PredictRequest__Output;
  readonly withGraph: boolean;
  readonly inspection: InspectionOptions | undefined;
}

/** Parses a request within its bounds. Throws LogahError (invalid_argument) where it is none, or too much. */
function readRequest(kind: PlanTask['kind'], bytes: Uint8Array, limits: GraphLimits): ReadRequest {
  checkBounds(bytes, messageShape(`logah.v1.${kind}Request`), requestBounds(limits.maxNodes));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { Plan, Predict, InspectTensors } = logahService;
  try {
    switch (kind) {
      case 'Predict':
        return { request: Predict.requestDeserialize(buffer), withGraph: false, inspection: undefined };
      case 'InspectTensors': {
        const message = InspectTensors.requestDeserialize(buffer);
        const inspection = readInspection(message);
        return { request: inspectedRequest(message), withGraph: false, inspection };
      }
      case 'Plan': {
        const { request, graph } = Plan.requestDeserialize(buffer);
        if (request === null) throw invalidField('request', 'is missing');
        return { request, withGraph: graph, inspection: undefined };
      }
    }
  } catch (error) {
    if (error instanceof LogahError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidField('request', `is no logah.v1.${kind}Request: ${reason}`);
  }
}
