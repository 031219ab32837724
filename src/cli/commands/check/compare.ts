/** Predictions against what is on record, and those of GPUs against those of the CPU. */

import type { Bundles } from '../../../hypernet/bundle';
import { errorsByKind, relativeError, type KindError } from './comparison';
import { nameOf, type CheckedNetwork, type Measurement } from './measure';
import { errorAgainst, readReference, type RecordedNetwork, type Reference } from './reference';
import type { CheckReport, Comparison } from './report';

/** Every comparison that there is something for, and what there is nothing to compare with. */
export async function compareAll(
  bundles: Bundles,
  cpu: Measurement,
  others: readonly Measurement[],
): Promise<Pick<CheckReport, 'comparisons' | 'uncompared'>> {
  const references = await readReferences(bundles);
  const on = nameOf(cpu.placement);
  const ofCpu = cpu.networks.map((network) => ({
    what: { model: network.model, network: network.network, on },
    kinds: againstRecord(network, references.get(network.model)?.[network.network]),
  }));
  const ofOthers = others.flatMap(({ placement, networks }) =>
    networks.map((network, index): Comparison => {
      const what = { model: network.model, network: network.network, on: nameOf(placement) };
      return { ...what, against: 'cpu', kinds: againstCpu(network, cpu.networks[index]) };
    }),
  );
  return {
    comparisons: [
      ...ofCpu.flatMap(({ what, kinds }): Comparison[] =>
        kinds === undefined ? [] : [{ ...what, against: 'record', kinds }],
      ),
      ...ofOthers,
    ],
    uncompared: ofCpu.flatMap(({ what, kinds }) => (kinds === undefined ? [what] : [])),
  };
}

async function readReferences(bundles: Bundles): Promise<ReadonlyMap<string, Reference>> {
  const references = new Map<string, Reference>();
  for (const { manifest, directory } of bundles.values()) {
    const reference = await readReference(directory);
    if (reference !== undefined) references.set(manifest.name, reference);
  }
  return references;
}

/** Undefined where nothing is recorded. */
function againstRecord(
  { tensors }: CheckedNetwork,
  recorded: RecordedNetwork | undefined,
): readonly KindError[] | undefined {
  if (recorded === undefined) return undefined;
  const predicted = new Set(tensors.map(({ name }) => name));
  const missing = Object.keys(recorded).filter((name) => !predicted.has(name));
  const kinds = errorsByKind(tensors, (tensor) => errorAgainst(recorded, tensor));
  const [tensor] = missing;
  if (tensor === undefined) return kinds;
  return [...kinds, { kind: 'missing', tensors: missing.length, relativeError: Infinity, tensor }];
}

function againstCpu({ tensors }: CheckedNetwork, cpu: CheckedNetwork | undefined): readonly KindError[] {
  const expected = new Map(cpu?.tensors.map(({ name, values }) => [name, values]));
  return errorsByKind(tensors, ({ name, values }) => {
    const other = expected.get(name);
    return other === undefined ? Infinity : relativeError(values, other);
  });
}
