/**
 * The planning thread: does one task after the other, so that the thread that speaks gRPC never plans. Sets of models come and
 * go; what was planned with leaves no trace.
 */

import { parentPort } from 'node:worker_threads';
import { LogahError } from '../../errors';
import { Garbage } from '../garbage';
import { ModelChoice } from './model-choice';
import { namedBundles } from './named-bundles';
import { planCall, type PlanningContext } from './planning';
import type {
  PlannedCall,
  PlannerMessage,
  PlanningMessage,
  PlanningSetup,
  PlanTask,
} from './planning-protocol';

const port = parentPort;
if (port === null) throw new Error('planning-worker runs as a worker thread');

/** Of requests that are planned. This thread keeps nobody waiting but the next plan. */
const garbage = new Garbage('major');

/** By set; what a set is planned with is made when it is first needed. */
const sets = new Map<number, () => PlanningContext>();

function contextOf({ bundles, aliases, defaultModel, limits }: PlanningSetup): () => PlanningContext {
  let context: PlanningContext | undefined;
  return () =>
    (context ??= { models: new ModelChoice(namedBundles(bundles, aliases), defaultModel, aliases), limits });
}

function plan(task: PlanTask): { answer: PlanningMessage; transferred: ArrayBuffer[] } {
  const { id, abandoned } = task;
  const checkpoint = (): void => {
    if (Atomics.load(abandoned, 0) !== 0) throw new LogahError('cancelled', 'nobody waits for this plan');
  };
  try {
    checkpoint();
    const context = sets.get(task.set);
    if (context === undefined) throw new Error('the set of models is gone');
    const call = ownMemory(planCall(task, context(), checkpoint));
    return { answer: { kind: 'planned', id, call }, transferred: buffersOf(call) };
  } catch (error) {
    if (error instanceof LogahError) {
      const { kind, message, violations, retryAfterMs, reason, metadata } = error;
      return {
        answer: { kind: 'refused', id, error: { kind, message, violations, retryAfterMs, reason, metadata } },
        transferred: [],
      };
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { answer: { kind: 'failed', id, stack }, transferred: [] };
  }
}

/** What is handed over must lie in memory of its own: small buffers of Node.js share theirs. */
function ownMemory(call: PlannedCall): PlannedCall {
  const { streamed } = call;
  return {
    ...call,
    message: Uint8Array.from(call.message),
    streamed: streamed && {
      ...streamed,
      graph: Uint8Array.from(streamed.graph),
      tensors: { ...streamed.tensors, bytes: Uint8Array.from(streamed.tensors.bytes) },
    },
  };
}

function buffersOf({ message, streamed }: PlannedCall): ArrayBuffer[] {
  const parts = streamed ? [message, streamed.graph, streamed.tensors.bytes] : [message];
  return parts.map(({ buffer }) => buffer as ArrayBuffer);
}

port.on('message', (message: PlannerMessage) => {
  switch (message.kind) {
    case 'add':
      sets.set(message.set, contextOf(message.setup));
      break;
    case 'drop':
      sets.delete(message.set);
      break;
    case 'plan': {
      const { answer, transferred } = plan(message.task);
      port.postMessage(answer, transferred);
      garbage.add(message.task.bytes.length);
    }
  }
});
const ready: PlanningMessage = { kind: 'ready' };
port.postMessage(ready);
