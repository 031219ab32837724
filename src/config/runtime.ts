/** What ONNX Runtime and CUDA read from the environment, and the processors that they may have. */

import { availableParallelism } from 'node:os';

/**
 * Keeps ONNX Runtime from collecting usage data (a database under the home directory, and uploads). Must run before
 * its library is first loaded, and in the main thread: workers have only a copy of the environment.
 */
export function disableRuntimeTelemetry(environment: NodeJS.ProcessEnv = process.env): void {
  environment.ORT_DISABLE_TELEMETRY = '1';
}

/** What a variable makes of float32 products on a GPU. */
export interface CudaPrecision {
  /** Whether every product keeps the 24 bits of float32's mantissa; TF32 keeps 11. */
  readonly isExact: boolean;
  /** NVIDIA_TF32_OVERRIDE as it is in force. */
  readonly override: string;
}

/**
 * Sets what CUDA's libraries read when they load, where the operator has not: no TF32, which ONNX Runtime's provider
 * would use for every product, and devices in the order of `nvidia-smi`. Must run in the main thread, before they load.
 */
export function prepareCuda(environment: NodeJS.ProcessEnv = process.env): CudaPrecision {
  const override = (environment.NVIDIA_TF32_OVERRIDE ??= '0');
  environment.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  return { isExact: override === '0', override };
}

/** gRPC needs a core of its own: with a worker on each, all of them take turns, and none is faster. */
export const workersForThisMachine = (): number => Math.min(4, Math.max(1, availableParallelism() - 1));
