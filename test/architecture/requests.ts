import { architectureGraph } from '../../src/architecture';
import { LogahError, type FieldViolation } from '../../src/errors';
import type { Architecture, Architecture__Output } from '../../src/gen/logah/v1/Architecture';
import type { ArchitectureGraph } from '../../src/graph/graph';
import { LogahService } from '../../src/contract/service-clients';

export const generousLimits = { maxNodes: 10_000, maxParameters: 20e9 };

/** The message as the server gets it. */
export function received(architecture: Architecture): Architecture__Output {
  const { requestSerialize, requestDeserialize } = LogahService.service.Plan;
  const message = requestDeserialize(requestSerialize({ request: { architecture } }));
  if (!message.request?.architecture) throw new Error('the architecture was lost');
  return message.request.architecture;
}

export function fromConfig(config: unknown, limits = generousLimits): ArchitectureGraph {
  return architectureGraph({ transformersConfig: Buffer.from(JSON.stringify(config)) }, limits);
}

/** The LogahError that `act` throws; any other error, or none, fails the test. */
export function refusal(act: () => unknown): LogahError {
  try {
    act();
  } catch (error) {
    if (error instanceof LogahError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The violations for which `act` is refused as an invalid argument. */
export function violations(act: () => unknown): readonly FieldViolation[] {
  const error = refusal(act);
  if (error.kind !== 'invalid_argument') throw error;
  return error.violations;
}
