/** Which execution provider the workers use. */

import type { Logger } from 'pino';
import { prepareCuda, workersForThisMachine } from '../config/runtime';
import { LogahError } from '../errors';
import { missingCudaLibraries } from '../hypernet/cuda/cuda-libraries';
import type { Bundle } from '../hypernet/bundle';
import type { ExecutionProvider, Placement } from '../hypernet/sessions';
import { builtInModels } from '../starts';
import { DecodePool } from '../decode/decode-pool';

/** How the pool is started. */
export interface PoolOptions {
  readonly provider: ExecutionProvider | 'auto';
  readonly workers: number | 'auto';
  /** Indices of GPUs. */
  readonly cudaDevices: readonly number[];
  readonly bundles: readonly Bundle[];
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
  const { bundles, provider } = options;
  const start = (placements: readonly Placement[]): Promise<DecodePool> =>
    DecodePool.start(
      placements.map((placement) => ({ bundles: [...bundles, ...builtInModels], placement })),
      options.onFailure,
    );
  if (provider !== 'cpu') {
    const precision = prepareCuda();
    const placements = placementsOn('cuda', options);
    try {
      const pool = await start(placements);
      logger.info({ devices: options.cudaDevices, workers: placements.length }, 'computing with CUDA');
      if (!precision.isExact) {
        logger.warn(
          { NVIDIA_TF32_OVERRIDE: precision.override },
          'products may use TF32, which keeps 11 bits of float32: predictions differ from those of a CPU by about 1e-3',
        );
      }
      return { pool, provider: 'cuda' };
    } catch (cause) {
      const reason = await cudaFault(cause);
      if (provider === 'cuda') {
        throw new LogahError(
          'failed_precondition',
          `--execution-provider cuda: ONNX Runtime's CUDA provider did not load: ${reason}. It needs an NVIDIA ` +
            'driver, CUDA 13 and cuDNN 9; `logah check` tries them one by one',
          { cause },
        );
      }
      logger.warn({ reason }, 'CUDA is not available; computing on the CPU');
    }
  }
  try {
    return { pool: await start(placementsOn('cpu', options)), provider: 'cpu' };
  } catch (cause) {
    throw new LogahError('failed_precondition', `a model did not load: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Where each worker computes. A second worker on a GPU would hold every model in its memory once more and wait for the
 * first, so with CUDA there is one for each device unless more are asked for.
 */
export function placementsOn(
  provider: ExecutionProvider,
  { workers, cudaDevices }: Pick<PoolOptions, 'workers' | 'cudaDevices'>,
): Placement[] {
  if (provider === 'cpu') {
    const count = workers === 'auto' ? workersForThisMachine() : workers;
    return Array.from({ length: count }, () => ({ provider }));
  }
  const count = workers === 'auto' ? cudaDevices.length : workers;
  return Array.from({ length: count }, (_, index) => ({
    provider,
    device: cudaDevices[index % cudaDevices.length] as number,
  }));
}

/** The libraries that are missing; where none is, what ONNX Runtime says. */
async function cudaFault(cause: unknown): Promise<string> {
  const missing = await missingCudaLibraries().catch((error: unknown) => messageOf(error));
  return missing === undefined ? messageOf(cause) : `missing are ${missing}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
