/** Reads a transformers `config.json` into an architecture graph. */

import { LogahError } from '../../errors';
import type { ArchitectureGraph } from '../../graph/graph';
import { checkLimits, graphSize, type GraphLimits, type GraphSize } from '../../graph/limits';
import { quoted, Violations } from '../../graph/violations';
import { CONFIG_FIELD, ConfigReader } from './config-reader';
import { families } from './families';
import { COMMON_RESTRICTIONS, type FamilyNetwork, type TransformersFamily } from './family';
import { parseConfig } from './parse-config';

/** A network, and those that it is a number of times as wide as. */
export interface ScalableNetwork {
  readonly graph: ArchitectureGraph;
  /**
   * The network that this one is `copies` times as wide as, in all of the graph's `widths`; undefined where there is
   * none, for reasons that become violations.
   */
  readonly narrowed: (copies: number, violations: Violations) => ArchitectureGraph | undefined;
}

/**
 * `bytes` are UTF-8 JSON, at most 1 MiB. Throws LogahError `invalid_argument` with a violation for each wrong field,
 * or `not_found` for a model type that no front-end reads. The limits are checked before anything is built.
 */
export function transformersNetwork(bytes: Uint8Array, limits: GraphLimits): ScalableNetwork {
  const fields = parseConfig(bytes);
  const violations = new Violations();
  const reader = new ConfigReader(fields, violations);
  const family = familyOf(reader);
  const architecture = chosenArchitecture(reader, family);
  checkRestrictions(reader, family);
  const network = family.read(reader, architecture);
  const initializerRange = network.initializerRange ?? reader.initializerRange;
  violations.throwIfAny();
  checkLimits(networkSize(network), limits, CONFIG_FIELD, violations);
  violations.throwIfAny();
  return {
    graph: { ...network.build(network.layers), initializerRange },
    narrowed(copies, found) {
      const narrow = family.read(new ConfigReader(fields, found, copies), architecture);
      return found.none ? { ...narrow.build(narrow.layers), initializerRange } : undefined;
    },
  };
}

function familyOf(reader: ConfigReader): TransformersFamily {
  const modelType = reader.raw('model_type');
  const supported = `supported are ${families.map((family) => family.modelType).join(', ')}`;
  if (typeof modelType !== 'string' || modelType === '') {
    reader.violation('model_type', `must name the kind of model, not ${quoted(modelType)}; ${supported}`);
    reader.violations.throwIfAny();
  }
  const family = families.find((candidate) => candidate.modelType === modelType);
  if (family !== undefined) return family;
  const description = `no front-end reads ${quoted(modelType)}; ${supported}`;
  const field = `${CONFIG_FIELD}.model_type`;
  throw new LogahError('not_found', `${field}: ${description}`, { violations: [{ field, description }] });
}

/** The class that the configuration is for: one model type has several, with other parameters. */
function chosenArchitecture(reader: ConfigReader, { modelType, architectures }: TransformersFamily): string {
  const named = reader.raw('architectures') ?? [];
  if (!Array.isArray(named)) {
    reader.violation('architectures', `must be a list of class names, not ${quoted(named)}`);
    return architectures[0];
  }
  const chosen = architectures.find((architecture) => named.includes(architecture));
  if (chosen === undefined && named.length > 0) {
    const supported = architectures.join(', ');
    reader.violation('architectures', `is ${quoted(named)}; supported for "${modelType}": ${supported}`);
  }
  return chosen ?? architectures[0];
}

function checkRestrictions(reader: ConfigReader, { restrictions }: TransformersFamily): void {
  for (const { field, allowed, reason } of [...COMMON_RESTRICTIONS, ...restrictions]) {
    const value = reader.raw(field) ?? null;
    if (value === null || allowed.includes(value) || isEmpty(value)) continue;
    const expected = allowed.length === 0 ? 'absent' : allowed.map(quoted).join(' or ');
    reader.violation(field, `must be ${expected}, not ${quoted(value)}: ${reason}`);
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The size of the whole network, from those with no layer and with one. */
function networkSize(network: FamilyNetwork): GraphSize {
  const none = graphSize(network.build(0));
  const one = graphSize(network.build(1));
  const total = (count: keyof GraphSize): number => none[count] + network.layers * (one[count] - none[count]);
  return {
    nodes: total('nodes'),
    edges: total('edges'),
    tensors: total('tensors'),
    blocks: total('blocks'),
    pieces: total('pieces'),
    elements: total('elements'),
  };
}
