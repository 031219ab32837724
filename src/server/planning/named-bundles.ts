/** What the bundles of a server answer to. */

import { LogahError } from '../../errors';
import type { Bundle, Bundles } from '../../hypernet/bundle';
import { exactName } from '../../hypernet/exact-name';
import type { Aliases } from '../../hypernet/models-directory';

/**
 * Bundles by name, sorted; where several have one name, the one that the alias of that name points at has it, and the
 * others answer to their exact names alone. Throws LogahError (failed_precondition) where no alias says which, where two
 * are the same, and where an alias leads nowhere.
 */
export function namedBundles(opened: readonly Bundle[], aliases: Aliases): Bundles {
  const named: [string, Bundle][] = [];
  for (const [name, same] of groupsOf(opened)) {
    const chosen = chosenOf(name, same, aliases);
    for (const bundle of same) named.push([bundle === chosen ? name : exactName(bundle), bundle]);
  }
  const bundles = new Map(named.sort(([one], [other]) => (one < other ? -1 : 1)));
  for (const [alias, target] of aliases) {
    const others = bundles.has(alias) && nameOf(target) !== alias;
    if (others || matching(bundles, target).length !== 1) {
      const reason = others ? 'a model has that name itself' : `there are: ${[...bundles.keys()].join(', ')}`;
      throw new LogahError('failed_precondition', `the alias ${alias} stands for ${target}; ${reason}`);
    }
  }
  return bundles;
}

/** The bundles that a reference, NAME or NAME@FINGERPRINT with the beginning of the fingerprint, can mean. */
export function matching(bundles: Bundles, reference: string): Bundle[] {
  const [, name, prefix] = /^([^@]*)@([0-9a-f]{4,64})$/.exec(reference) ?? [];
  if (name === undefined || prefix === undefined) {
    const bundle = bundles.get(reference);
    return bundle === undefined || reference.includes('@') ? [] : [bundle];
  }
  return [...bundles.values()].filter(
    ({ manifest, fingerprint }) => manifest.name === name && fingerprint.startsWith(prefix),
  );
}

function groupsOf(opened: readonly Bundle[]): Map<string, Bundle[]> {
  const groups = new Map<string, Bundle[]>();
  for (const bundle of opened) {
    const { name } = bundle.manifest;
    const same = groups.get(name) ?? [];
    const twin = same.find(({ fingerprint }) => fingerprint === bundle.fingerprint);
    if (twin !== undefined) {
      throw new LogahError(
        'failed_precondition',
        `${twin.directory} and ${bundle.directory} are both named ${name}, and are the same; names or files must differ`,
      );
    }
    groups.set(name, [...same, bundle]);
  }
  return groups;
}

function chosenOf(name: string, same: readonly Bundle[], aliases: Aliases): Bundle {
  const [first] = same;
  if (same.length === 1 && first !== undefined) return first;
  const target = aliases.get(name);
  const exact = new Map(same.map((bundle) => [exactName(bundle), bundle]));
  const [chosen, ...more] = target === undefined ? [] : matching(exact, target);
  if (chosen !== undefined && more.length === 0) return chosen;
  const directories = same.map(({ directory }) => directory).join(' and ');
  throw new LogahError(
    'failed_precondition',
    `${directories} are both named ${name}; an alias ${name} must say which answers to it: ${[...exact.keys()].join(', ')}`,
  );
}

function nameOf(reference: string): string {
  return reference.replace(/@.*$/, '');
}
