/** Which model answers a request. */

import { LogahError } from '../../errors';
import { quoted } from '../../graph/violations';
import type { Bundle, Bundles, ExpansionFile } from '../../hypernet/bundle';
import { modelNotAllowed } from '../security/refusals';
import { allowsModel, EVERYTHING, type Scopes } from '../security/scopes';

/** The models of a server and the choice among them. */
export class ModelChoice {
  readonly bundles: Bundles;
  readonly defaultModel: string;

  /** `defaultModel` may be empty: the one whose manifest says so, or else the first by name. Throws LogahError (failed_precondition) where it is not there. */
  constructor(bundles: Bundles, defaultModel: string) {
    const meant = [...bundles.values()].find(({ manifest }) => manifest.default);
    const first = meant?.manifest.name ?? [...bundles.keys()][0] ?? '';
    this.bundles = bundles;
    this.defaultModel = defaultModel === '' ? first : defaultModel;
    if (!bundles.has(this.defaultModel)) {
      throw new LogahError(
        'failed_precondition',
        `--default-model is ${this.defaultModel}; there are: ${[...bundles.keys()].join(', ')}`,
      );
    }
  }

  /**
   * The model named, or, for an empty name, the first that was trained on the family, or else the default; of those that
   * the caller may use. Throws LogahError: not_found, listing those, or permission_denied where it may not use that one.
   */
  choose(name: string, family: string, scopes: Pick<Scopes, 'models'> = EVERYTHING): Bundle {
    if (name !== '' && !allowsModel(scopes, name)) throw modelNotAllowed(name);
    const allowed = this.allowed(scopes);
    if (name === '') {
      const trained = allowed.find(({ manifest }) => manifest.families.includes(family));
      const preferred = allowed.find(({ manifest }) => manifest.name === this.defaultModel);
      const chosen = trained ?? preferred ?? allowed[0];
      if (chosen === undefined) throw modelNotAllowed('');
      return chosen;
    }
    const bundle = allowed.find(({ manifest }) => manifest.name === name);
    if (bundle === undefined) {
      const names = allowed.map(({ manifest }) => manifest.name).join(', ');
      const description = `is ${quoted(name)}; there are: ${names || 'none'}`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    return bundle;
  }

  /** The models that a caller may use, in order. */
  allowed(scopes: Pick<Scopes, 'models'>): readonly Bundle[] {
    return [...this.bundles.values()].filter(({ manifest }) => allowsModel(scopes, manifest.name));
  }

  /** A model's expansion. Throws LogahError (not_found) where the model has another or none. */
  expansion(name: string, sha256: string, scopes: Pick<Scopes, 'models'>): ExpansionFile {
    const { expansion } = this.choose(name, '', scopes);
    if (expansion?.sha256 === sha256) return expansion;
    const description = `is ${quoted(sha256)}; the model has ${expansion?.sha256 ?? 'none'}`;
    throw new LogahError('not_found', `sha256 ${description}`, {
      violations: [{ field: 'sha256', description }],
    });
  }

  /** Where the files of a model's tokenizer lie, sorted. Throws LogahError (not_found) where it has none. */
  tokenizer(name: string, scopes: Pick<Scopes, 'models'>): { directory: string; names: readonly string[] } {
    const { directory, manifest } = this.choose(name, '', scopes);
    if (manifest.tokenizer === null) {
      const description = `is ${quoted(name)}, a model without a tokenizer`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    return { directory, names: [...manifest.tokenizer.files].sort() };
  }
}
