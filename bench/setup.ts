/** What every measurement works with. */

import type { PredictRequest } from '../src/gen/logah/v1/PredictRequest';
import { configBytes, type Architecture } from './architectures';
import type { RunningClient, RunningServer } from './processes';

export interface Setup {
  readonly service: RunningServer;
  readonly ceiling: RunningServer;
  readonly client: RunningClient;
  readonly build: string;
  /** Python with the package's dependencies. */
  readonly python: string;
  /** Directory of the model's checkpoint and bundle, and for files of the run. */
  readonly work: string;
  readonly rounds: number;
  readonly say: (text: string) => void;
}

/** A request for a network. */
export function requestFor(architecture: Architecture, rest: PredictRequest = {}): PredictRequest {
  return { ...rest, architecture: { transformersConfig: configBytes(architecture) } };
}
