/** A real prediction of a tiny network, which a model must make before any caller's request finds it. */

import { logahService } from '../../contract/proto-definition';
import { LogahError } from '../../errors';
import type { ArchitectureGraph } from '../../gen/logah/v1/ArchitectureGraph';
import type { Bundle } from '../../hypernet/bundle';
import { exactName } from '../../hypernet/exact-name';
import type { PredictionService } from '../prediction-service';
import { anonymous } from '../security/caller';
import type { ModelSet } from './model-set';

/** One matrix. */
const ROWS = 4;
const SHAPE = [ROWS, 3];
const CALLER = anonymous('');
const CHUNK_BYTES = 4096;

/**
 * Plans, encodes and decodes with the model in the set, and runs its encoder on as many workers as there are. Throws
 * LogahError (failed_precondition) that names the model where it cannot, or where a number that it predicts is none.
 */
export async function warmUp(bundle: Bundle, set: ModelSet, service: PredictionService): Promise<void> {
  const graph = tinyGraph(bundle.manifest.hypernet.operations);
  const request = { architecture: { graph }, model: `${bundle.manifest.name}@${bundle.fingerprint}` };
  const { signal } = new AbortController();
  try {
    const bytes = logahService.Predict.requestSerialize(request);
    const { head, streamed } = await set.planner.planFirst('Predict', bytes, CALLER, signal);
    if (streamed === undefined) throw new Error('the planner planned no stream');
    const model = set.model(head.bundle);
    const { chunks } = service.stream(model, head, streamed, CHUNK_BYTES, signal, '');
    let received = 0;
    for await (const { data, release } of chunks) {
      for (let at = 0; at < data.length; at += 4) {
        if (!Number.isFinite(data.readFloatLE(at))) throw new Error('a predicted number is not finite');
      }
      received += data.length;
      release();
    }
    if (received !== head.totalBytes) throw new Error(`${received} of ${head.totalBytes} bytes were predicted`);
    const workers = Array.from({ length: model.pool.size });
    await Promise.all(workers.map(() => model.pool.encode(bundle.fingerprint, streamed.graph, signal)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `model ${exactName(bundle)} does not predict a network of one matrix: ${reason}`;
    throw new LogahError('failed_precondition', message, { cause });
  }
}

function tinyGraph(operations: readonly string[]): ArchitectureGraph {
  const operation = operations.includes('conv')
    ? 'conv'
    : (operations.find((known) => known !== 'input') ?? 'conv');
  return {
    nodes: [
      { name: 'input', operation: 'input' },
      { name: 'matrix', operation, shape: SHAPE },
    ],
    edges: [{ source: 0, target: 1 }],
    parameters: [
      {
        name: 'matrix.weight',
        shape: SHAPE,
        blocks: [{ length: ROWS, prediction: { node: 1, role: 'ROLE_MATRIX' } }],
      },
    ],
  };
}
