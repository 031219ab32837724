/** What `logah check` finds out. */

import type { CudaPrecision } from '../../../config/runtime';
import type { CudaLibrary } from '../../../hypernet/cuda/cuda-libraries';
import type { KindError } from './comparison';
import type { Gpu, Machine } from './machine';

/** The errors of one network on one placement. */
export interface Comparison {
  readonly model: string;
  readonly network: string;
  /** "cpu" or "cuda:INDEX". */
  readonly on: string;
  readonly against: 'record' | 'cpu';
  readonly kinds: readonly KindError[];
}

/** All that the command found out. */
export interface CheckReport {
  readonly machine: Machine;
  readonly gpus: readonly Gpu[];
  /** Of the loaded kernel module; null: none. */
  readonly driver: string | null;
  readonly precision: CudaPrecision;
  readonly libraries: readonly CudaLibrary[];
  /** Why CUDA was not checked; null where it was. */
  readonly withoutCuda: string | null;
  readonly speeds: readonly {
    readonly on: string;
    readonly bytesPerSecond: number;
    readonly peakMemoryBytes: number;
  }[];
  readonly comparisons: readonly Comparison[];
  /** Predictions that there was nothing to compare with. */
  readonly uncompared: readonly { readonly model: string; readonly network: string; readonly on: string }[];
  readonly largestError: number;
  readonly isRight: boolean;
}
