/** What a machine has that decides what is predicted on it, and how fast. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { packageVersion } from '../../package-paths';

/** Milliseconds that the driver's tool may take: it wakes the GPUs up. */
const NVIDIA_SMI_LIMIT_MS = 20_000;

/** A GPU as its driver describes it. Memory in bytes. */
export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly driver: string;
  readonly memoryBytes: number;
  readonly usedMemoryBytes: number;
}

/** The machine and the versions of what runs on it. */
export interface Machine {
  readonly logah: string;
  readonly node: string;
  readonly onnxRuntime: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

export function describeMachine(): Machine {
  return {
    logah: packageVersion(),
    node: process.version,
    onnxRuntime: runtimeVersion(),
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

function runtimeVersion(): string {
  const { version } = createRequire(__filename)('onnxruntime-node/package.json') as { version: string };
  return version;
}

/** The GPUs that the driver's `nvidia-smi` lists; where there is no such tool, none. */
export async function listGpus(): Promise<readonly Gpu[]> {
  const fields = 'index,name,driver_version,memory.total,memory.used';
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'],
      { timeout: NVIDIA_SMI_LIMIT_MS },
    );
    return parseGpus(stdout);
  } catch {
    return [];
  }
}

/** Lines of `nvidia-smi --format=csv,noheader,nounits`, memory in MiB. */
export function parseGpus(csv: string): readonly Gpu[] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 5)
    .map(([index, name = '', driver = '', total, used]) => ({
      index: Number(index),
      name,
      driver,
      memoryBytes: Number(total) * 2 ** 20,
      usedMemoryBytes: Number(used) * 2 ** 20,
    }));
}

/** The driver's version where the kernel tells it; undefined: no driver is loaded. */
export async function kernelDriver(): Promise<string | undefined> {
  try {
    const text = await readFile('/proc/driver/nvidia/version', 'utf8');
    return /Kernel Module\s+(?:for \S+\s+)?(\S+)/.exec(text)?.[1] ?? text.split('\n')[0];
  } catch {
    return undefined;
  }
}
