/** Reads a transformers `config.json` into an architecture graph. */

import { LogahError } from '../../errors';
import type { ArchitectureGraph } from '../../graph/graph';
import { checkLimits, graphSize, type GraphLimits, type GraphSize } from '../../graph/limits';
import { quoted, Violations } from '../../graph/violations';
import { TRANSFORMERS_RELEASE } from './config-class';
import { CONFIG_FIELD, ConfigReader } from './config-reader';
import { families } from './families';
import { COMMON_RESTRICTIONS, type FamilyNetwork, type TransformersFamily } from './family';
import type { Head } from './heads/head';
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

/** The model types of networks that can be made of copies of narrower ones. */
export const widenedFamilies: readonly string[] = families
  .filter(({ widens }) => widens)
  .map(({ modelType }) => modelType);

/** More would hide each other. */
const MOST_NOTES = 20;

/** What reads what no front-end does. */
const ANY_CLASS = 'a module of any other is traced by the Python client (initialize), or exported to ONNX';

/**
 * `bytes` are UTF-8 JSON as Python reads it, at most 1 MiB. Throws LogahError `invalid_argument` with a violation for
 * each wrong field, or `not_found` for a model type that no front-end reads. The limits are checked before anything is
 * built.
 */
export function transformersNetwork(bytes: Uint8Array, limits: GraphLimits): ScalableNetwork {
  const fields = parseConfig(bytes);
  const violations = new Violations();
  const family = familyOf(fields.model_type, violations);
  const reader = new ConfigReader(fields, violations, family.modelType);
  const head = chosenHead(reader, family);
  checkRestrictions(reader, family);
  const network = family.read(reader, head);
  const initializerRange = network.initializerRange ?? reader.initializerRange;
  reader.checkTypes();
  violations.throwIfAny();
  const { notes } = reader;
  checkLimits(networkSize(network), limits, CONFIG_FIELD, violations);
  violations.throwIfAny();
  return {
    graph: {
      ...network.build(network.repeats),
      initializerRange,
      ...(notes.length > 0 && { notes: notes.slice(0, MOST_NOTES) }),
    },
    narrowed(copies, found) {
      const narrow = family.read(new ConfigReader(fields, found, family.modelType, copies), head);
      return found.none ? { ...narrow.build(narrow.repeats), initializerRange } : undefined;
    },
  };
}

function familyOf(modelType: unknown, violations: Violations): TransformersFamily {
  const field = `${CONFIG_FIELD}.model_type`;
  const supported = `supported are ${families.map((family) => family.modelType).join(', ')}`;
  if (typeof modelType !== 'string' || modelType === '') {
    violations.add(field, `must name the kind of model, not ${quoted(modelType)}; ${supported}`);
    violations.throwIfAny();
  }
  const family = families.find((candidate) => candidate.modelType === modelType);
  if (family !== undefined) return family;
  const description = `no front-end reads ${quoted(modelType)}; ${supported}; ${ANY_CLASS}`;
  throw new LogahError('not_found', `${field}: ${description}`, { violations: [{ field, description }] });
}

/** The class that the configuration is for: one model type has several, with other parameters. */
function chosenHead(reader: ConfigReader, { modelType, heads }: TransformersFamily): Head {
  const named: unknown = reader.raw('architectures') ?? [];
  if (!Array.isArray(named)) {
    reader.violation('architectures', `must be a list of class names, not ${quoted(named)}`);
    return heads[0];
  }
  for (const name of named) {
    const chosen = heads.find(({ architecture }) => architecture === name);
    if (chosen !== undefined) return chosen;
  }
  if (named.length > 0) {
    const supported = heads.map(({ architecture }) => architecture).join(', ');
    reader.violation(
      'architectures',
      `is ${quoted(named)}; supported for "${modelType}": ${supported}; ${ANY_CLASS}`,
    );
  }
  return heads[0];
}

function checkRestrictions(reader: ConfigReader, { restrictions }: TransformersFamily): void {
  for (const { field, allowed, reason } of [...COMMON_RESTRICTIONS, ...restrictions]) {
    const value = reader.raw(field) ?? null;
    if (value === null || allowed.includes(value) || isEmpty(value)) continue;
    const expected = allowed.length === 0 ? 'absent' : allowed.map(quoted).join(' or ');
    reader.violation(field, `must be ${expected}, not ${quoted(value)}: ${reason}`);
  }
  if (reader.raw('problem_type') === 'single_label_classification' && reader.raw('num_labels') === 1) {
    const reason = `transformers ${TRANSFORMERS_RELEASE} needs more than 1 label for it`;
    reader.violation('problem_type', `is "single_label_classification", but num_labels is 1: ${reason}`);
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The size of the whole network, from those without any block and with one of each kind. */
function networkSize({ repeats, build }: FamilyNetwork): GraphSize {
  const none = graphSize(build(repeats.map(() => 0)));
  const ones = repeats.map((_, block) =>
    graphSize(build(repeats.map((__, other) => Number(other === block)))),
  );
  const total = (count: keyof GraphSize): number =>
    repeats.reduce(
      (sum, times, block) => sum + times * ((ones[block]?.[count] ?? 0) - none[count]),
      none[count],
    );
  return {
    nodes: total('nodes'),
    edges: total('edges'),
    tensors: total('tensors'),
    blocks: total('blocks'),
    pieces: total('pieces'),
    elements: total('elements'),
  };
}
