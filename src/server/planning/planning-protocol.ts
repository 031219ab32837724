/** What the main thread and the planning thread say to each other. */

import type { ElementType } from '../../element-type';
import type { ErrorKind, FieldViolation } from '../../errors';
import type { GraphLimits } from '../../graph/limits';
import type { Bundle } from '../../hypernet/bundle';
import type { Aliases } from '../../hypernet/models-directory';
import type { DataRange } from '../../plan/data-range';
import type { Representation } from '../../plan/factors';
import type { Scopes } from '../security/scopes';
import type { PlannedInspection } from './inspection-request';
import type { PackedTensors } from './packed-tensors';

/** A set of models, and what is planned with it. */
export interface PlanningSetup {
  readonly bundles: readonly Bundle[];
  readonly aliases: Aliases;
  readonly defaultModel: string;
  readonly limits: GraphLimits;
}

/** The RPCs whose requests hold an architecture. */
export type PlannedRpc = 'Plan' | 'Predict' | 'InspectTensors';

/** Plan a request. */
export interface PlanTask {
  readonly id: number;
  /** With which set of models. */
  readonly set: number;
  /** The RPC, whose request it is and whose response the plan travels in. */
  readonly kind: PlannedRpc;
  readonly bytes: Uint8Array;
  /** What the caller may do. */
  readonly scopes: Scopes;
  /** One shared word; other than 0 as soon as nobody waits for the plan. */
  readonly abandoned: Int32Array;
}

/** What the thread is told. */
export type PlannerMessage =
  | { readonly kind: 'add'; readonly set: number; readonly setup: PlanningSetup }
  | { readonly kind: 'drop'; readonly set: number }
  | { readonly kind: 'plan'; readonly task: PlanTask };

/** What the main thread must know of a plan. */
export interface PlanHead {
  readonly model: string;
  /** Fingerprint of the model. */
  readonly bundle: string;
  /** Fingerprint of the plan. */
  readonly fingerprint: string;
  readonly totalBytes: number;
  /** Number of tensors. */
  readonly tensors: number;
  /** Number of elements of the network. */
  readonly parameters: number;
  /** Number of elements that are sent, in whatever form. */
  readonly sentElements: number;
  readonly seed: number;
  readonly lift: number;
  readonly elementType: ElementType;
  readonly representation: Representation;
  /** The part of the data that is wanted. */
  readonly range: DataRange;
  readonly chunkBytes: number;
  readonly sha256: boolean;
}

/** What streaming needs besides. */
export interface StreamedPlan {
  /** Tells requests with other embeddings apart. */
  readonly requestKey: string;
  /** The graph that the encoder sees, serialised and compressed. */
  readonly graph: Uint8Array;
  /** Whether tensors are sent as cores, which are decoded once for all who ask for them. */
  readonly hasCores: boolean;
  /** The tensors within the range; all of them where there are cores. */
  readonly tensors: PackedTensors;
}

/** A plan, in a form that costs the thread that receives it next to nothing. */
export interface PlannedCall {
  readonly head: PlanHead;
  /** The response, with gRPC's prefix; empty where it has no plan. */
  readonly message: Uint8Array;
  /** Undefined where only the plan was asked for. */
  readonly streamed?: StreamedPlan | undefined;
  /** Where tensors are to be looked at instead of sent. */
  readonly inspection?: PlannedInspection | undefined;
}

/** A LogahError on its way between threads. */
export interface ErrorFields {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the planning thread says. */
export type PlanningMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'planned'; readonly id: number; readonly call: PlannedCall }
  | { readonly kind: 'refused'; readonly id: number; readonly error: ErrorFields }
  /** A fault of ours: its stack. */
  | { readonly kind: 'failed'; readonly id: number; readonly stack: string };
