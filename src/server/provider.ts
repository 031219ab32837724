/** Which execution provider the workers use. */

import type { Logger } from 'pino';
import { LogahError } from '../errors';
import type { ExecutionProvider } from '../hypernet/sessions';
import { DecodePool } from '../decode/decode-pool';
import type { WorkerSetup } from '../decode/worker-protocol';

/** How the pool is started. */
export interface PoolOptions {
  readonly provider: ExecutionProvider | 'auto';
  readonly workers: number;
  readonly setup: Omit<WorkerSetup, 'provider'>;
  readonly onFailure: (error: Error) => void;
}

/**
 * Starts the pool on the provider asked for; `auto` tries CUDA and falls back to the CPU with one warning. Throws
 * LogahError (failed_precondition) where the provider or a model does not load.
 */
export async function startPool(
  options: PoolOptions,
  logger: Logger,
): Promise<{ pool: DecodePool; provider: ExecutionProvider }> {
  const start = (provider: ExecutionProvider): Promise<DecodePool> =>
    DecodePool.start(options.workers, { ...options.setup, provider }, options.onFailure);
  if (options.provider !== 'cpu') {
    try {
      return { pool: await start('cuda'), provider: 'cuda' };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (options.provider === 'cuda') {
        throw new LogahError(
          'failed_precondition',
          `--execution-provider cuda: ONNX Runtime's CUDA provider did not load: ${reason}. It needs an NVIDIA ` +
            "driver, CUDA 12 and cuDNN 9, and onnxruntime-node's CUDA libraries (docs/deployment.md)",
          { cause },
        );
      }
      logger.warn({ reason }, 'CUDA is not available; computing on the CPU');
    }
  }
  try {
    return { pool: await start('cpu'), provider: 'cpu' };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LogahError('failed_precondition', `a model did not load: ${reason}`, { cause });
  }
}
