/** The planning thread: does one task after the other, so that the thread that speaks gRPC never plans. */

import { parentPort, workerData } from 'node:worker_threads';
import { LogahError } from '../../errors';
import { ModelChoice } from './model-choice';
import { namedBundles } from './named-bundles';
import { planCall } from './planning';
import type { PlannedCall, PlanningMessage, PlanningSetup, PlanTask } from './planning-protocol';

const port = parentPort;
if (port === null) throw new Error('planning-worker runs as a worker thread');

const { bundles, aliases, defaultModel, limits } = workerData as PlanningSetup;
const context = { models: new ModelChoice(namedBundles(bundles, aliases), defaultModel, aliases), limits };

function plan(task: PlanTask): { answer: PlanningMessage; transferred: ArrayBuffer[] } {
  const { id, abandoned } = task;
  const checkpoint = (): void => {
    if (Atomics.load(abandoned, 0) !== 0) throw new LogahError('cancelled', 'nobody waits for this plan');
  };
  try {
    checkpoint();
    const call = ownMemory(planCall(task, context, checkpoint));
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

port.on('message', (task: PlanTask) => {
  const { answer, transferred } = plan(task);
  port.postMessage(answer, transferred);
});
const ready: PlanningMessage = { kind: 'ready' };
port.postMessage(ready);
