/** Which model answers a request. */

import { LogahError } from '../../errors';
import { quoted } from '../../graph/violations';
import type { Bundle, Bundles, ExpansionFile } from '../../hypernet/bundle';
import { builtInModel, builtInModels } from '../../starts';
import type { Aliases } from '../../hypernet/models-directory';
import { modelNotAllowed } from '../security/refusals';
import { allowsModel, EVERYTHING, type Scopes } from '../security/scopes';
import { matching } from './named-bundles';

type ModelScopes = Pick<Scopes, 'models'>;

/** The alias of the model for families that no model was trained on. */
const DEFAULT = 'default';

/** A file, and the lower-case hexadecimal digest of what it must hold. */
export interface TokenizerFile {
  readonly name: string;
  readonly sha256: string;
}

/** The models of a server and the choice among them. */
export class ModelChoice {
  readonly bundles: Bundles;
  readonly defaultModel: string;
  readonly aliases: Aliases;

  /**
   * `defaultModel` may be empty: the one that the alias `default` stands for, or whose manifest says so, or else the first
   * by name. Throws LogahError (failed_precondition) where it is not there.
   */
  constructor(bundles: Bundles, defaultModel: string, aliases: Aliases = new Map()) {
    const named = [...bundles].filter(isPlain);
    const [first = ''] = named.find(([, { manifest }]) => manifest.default) ?? named[0] ?? [];
    this.bundles = bundles;
    this.aliases = aliases;
    this.defaultModel = defaultModel === '' ? (aliases.get(DEFAULT) ?? first) : defaultModel;
    if (this.#find(this.defaultModel) === undefined) {
      throw new LogahError(
        'failed_precondition',
        `--default-model is ${this.defaultModel}; there are: ${this.#models().join(', ')}`,
      );
    }
  }

  /**
   * The model named, by its name, an alias, or NAME@FINGERPRINT with at least the first 4 digits, or the built-in start, or,
   * for an empty name, the first that was trained on the family, or else the default; of those that the caller may use.
   * Throws LogahError: not_found, listing those, or permission_denied where it may not use that one, should it be there.
   */
  choose(name: string, family: string, scopes: ModelScopes = EVERYTHING): Bundle {
    const start = name === '' ? undefined : builtInModel(name);
    if (start !== undefined && !allowsModel(scopes, name)) throw modelNotAllowed(name);
    return (start && this.#find(name)) ?? start ?? this.held(name, family, scopes);
  }

  /** The same of the models alone. */
  held(name: string, family = '', scopes: ModelScopes = EVERYTHING): Bundle {
    if (name === '') return this.#chooseFor(family, scopes);
    const meant = this.aliases.get(name) ?? name;
    if (!allowsModel(scopes, meant.replace(/@.*$/s, ''))) throw modelNotAllowed(name);
    const bundle = this.#find(meant);
    if (bundle === undefined) {
      const description = `is ${quoted(name)}; ${this.#known(scopes)}`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    return bundle;
  }

  /** The models that a caller may use, in order. */
  allowed(scopes: ModelScopes): readonly Bundle[] {
    return [...this.bundles.values()].filter(({ manifest }) => allowsModel(scopes, manifest.name));
  }

  /** The built-in starts that a caller may use. */
  allowedStarts(scopes: ModelScopes): readonly Bundle[] {
    return builtInModels.filter(({ manifest }) => allowsModel(scopes, manifest.name));
  }

  /** The aliases of models that a caller may use. */
  allowedAliases(scopes: ModelScopes): Aliases {
    return new Map(
      [...this.aliases].filter(([, target]) => allowsModel(scopes, target.replace(/@.*$/s, ''))),
    );
  }

  /** A model's expansion. Throws LogahError (not_found) where the model has another or none. */
  expansion(name: string, sha256: string, scopes: ModelScopes): ExpansionFile {
    const chosen = this.choose(name, '', scopes);
    // A plan has a model's name alone, and there may be several of it.
    const same = [...this.bundles.values()].filter(({ manifest }) => manifest.name === chosen.manifest.name);
    const found = [chosen, ...same].find(({ expansion }) => expansion?.sha256 === sha256)?.expansion;
    if (found !== undefined) return found;
    const description = `is ${quoted(sha256)}; the model has ${chosen.expansion?.sha256 ?? 'none'}`;
    throw new LogahError('not_found', `sha256 ${description}`, {
      violations: [{ field: 'sha256', description }],
    });
  }

  /** The files of a model's tokenizer, sorted. Throws LogahError (not_found) where it has none. */
  tokenizer(
    name: string,
    scopes: ModelScopes,
  ): { readonly directory: string; readonly files: readonly TokenizerFile[] } {
    const { directory, manifest } = this.choose(name, '', scopes);
    if (manifest.tokenizer === null) {
      const description = `is ${quoted(name)}, a model without a tokenizer`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    const names = [...manifest.tokenizer.files].sort();
    return {
      directory,
      files: names.map((file) => ({ name: file, sha256: manifest.files[file]?.sha256 ?? '' })),
    };
  }

  #chooseFor(family: string, scopes: ModelScopes): Bundle {
    const named = [...this.bundles].filter(isPlain).filter(([name]) => allowsModel(scopes, name));
    const trained = named.find(([, { manifest }]) => manifest.families.includes(family))?.[1];
    const preferred = this.#find(this.defaultModel);
    const isAllowed = preferred !== undefined && allowsModel(scopes, preferred.manifest.name);
    const chosen = trained ?? (isAllowed ? preferred : named[0]?.[1]);
    if (chosen === undefined) throw modelNotAllowed('');
    return chosen;
  }

  #find(name: string): Bundle | undefined {
    const [found, ...more] = matching(this.bundles, this.aliases.get(name) ?? name);
    return more.length === 0 ? found : undefined;
  }

  #known(scopes: ModelScopes): string {
    const starts = this.allowedStarts(scopes).map(({ manifest }) => manifest.name);
    const beside = starts.length > 0 ? `; built-in starts: ${starts.join(', ')}` : '';
    return `there are: ${this.#models(scopes).join(', ')}${beside}`;
  }

  #models(scopes: ModelScopes = EVERYTHING): string[] {
    const named = [...this.bundles].filter(([, { manifest }]) => allowsModel(scopes, manifest.name));
    return [...this.allowedAliases(scopes).keys(), ...named.map(([name]) => name)];
  }
}

/** Bundles that answer to their exact names alone are nobody's default. */
function isPlain([name]: readonly [string, Bundle]): boolean {
  return !name.includes('@');
}
