/** Which model answers a request. */

import { LogahError } from '../../errors';
import { quoted } from '../../graph/violations';
import type { Bundle, Bundles, ExpansionFile } from '../../hypernet/bundle';
import { builtInModel, builtInModels } from '../../starts';

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
   * The model or built-in start named, or, for an empty name, the first that was trained on the family, or else the default.
   * Throws LogahError (not_found), listing those there are.
   */
  choose(name: string, family: string): Bundle {
    const trained = [...this.bundles.values()].find(({ manifest }) => manifest.families.includes(family));
    const bundle =
      name === ''
        ? (trained ?? this.bundles.get(this.defaultModel))
        : (this.bundles.get(name) ?? builtInModel(name));
    if (bundle === undefined) {
      const description = `is ${quoted(name)}; there are: ${this.#names()}`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    return bundle;
  }

  /** A model's expansion. Throws LogahError (not_found) where the model has another or none. */
  expansion(name: string, sha256: string): ExpansionFile {
    const { expansion } = this.choose(name, '');
    if (expansion?.sha256 === sha256) return expansion;
    const description = `is ${quoted(sha256)}; the model has ${expansion?.sha256 ?? 'none'}`;
    throw new LogahError('not_found', `sha256 ${description}`, {
      violations: [{ field: 'sha256', description }],
    });
  }

  /** Where the files of a model's tokenizer lie, sorted. Throws LogahError (not_found) where it has none. */
  tokenizer(name: string): { directory: string; names: readonly string[] } {
    const { directory, manifest } = this.choose(name, '');
    if (manifest.tokenizer === null) {
      const description = `is ${quoted(name)}, a model without a tokenizer`;
      throw new LogahError('not_found', `model ${description}`, {
        violations: [{ field: 'model', description }],
      });
    }
    return { directory, names: [...manifest.tokenizer.files].sort() };
  }

  #names(): string {
    const starts = builtInModels.map(({ manifest }) => manifest.name);
    return `${[...this.bundles.keys()].join(', ')}; built-in starts: ${starts.join(', ')}`;
  }
}
