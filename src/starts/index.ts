/** The built-in starts, which requests name as they name models. */

import { createHash } from 'node:crypto';
import type { Bundle } from '../hypernet/bundle';
import { DEFAULT_START } from './default-start';
import { MUP_ORTHOGONAL_START, ORTHOGONAL_START } from './orthogonal-start';
import { SMALL_START } from './small-start';
import type { Start } from './start';
import { TORCHTITAN_START } from './torchtitan-start';

export { startedGraph } from './started-graph';

/** An expansion has a weight, [rows, rank], and a bias, [rows]. Nothing is computed with this one of a single zero each. */
const EXPANSION = new Uint8Array(8);

const STARTS = [DEFAULT_START, MUP_ORTHOGONAL_START, ORTHOGONAL_START, SMALL_START, TORCHTITAN_START];

const BY_NAME: ReadonlyMap<string, Start> = new Map(STARTS.map((start) => [start.name, start]));

/** Stand-ins for the models that starts are answered as: they have no files, and predict nothing. */
const BUNDLES: ReadonlyMap<string, Bundle> = new Map(STARTS.map((start) => [start.name, bundleOf(start)]));

/** As models, in order of name. */
export const builtInModels: readonly Bundle[] = [...BUNDLES.values()];

/** The stand-in of the start that is called so; undefined: there is none. */
export function builtInModel(name: string): Bundle | undefined {
  return BUNDLES.get(name);
}

/** The start that a model stands for; undefined: it predicts. */
export function startOf({ builtIn, manifest }: Bundle): Start | undefined {
  return builtIn === true ? BY_NAME.get(manifest.name) : undefined;
}

function bundleOf({ name, description, version }: Start): Bundle {
  return {
    builtIn: true,
    // Cores of a plan always have one; those of a start are rules and values alone.
    expansion: { path: '', content: EXPANSION, sha256: createHash('sha256').update(EXPANSION).digest('hex') },
    directory: '',
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['built-in start', name, version]))
      .digest('hex'),
    manifest: {
      format: 'logah-bundle',
      version: 1,
      name,
      description,
      license: 'MIT',
      files: {},
      hypernet: {
        hid: 1,
        heads: 1,
        layers: 1,
        rank: 1,
        ck: 1,
        max_shape: [1, 1, 1, 1],
        num_classes: 1,
        decoder: 'low_rank',
        normalization: 'fan_in',
        embedding_scale: 'none',
        operations: [],
        cutoff: 1,
        slots: 2,
      },
      parameters: 0,
      families: [],
      default: false,
      training: null,
      tokenizer: null,
    },
  };
}
