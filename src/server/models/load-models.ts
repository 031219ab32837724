/**
 * Makes a set of models of a directory, beside the set that serves: every bundle that has changed is opened, its digests
 * are checked, new workers load it, and it predicts a tiny network. What is broken leaves what was served in its place.
 */

import type { Logger } from 'pino';
import { LogahError } from '../../errors';
import type { GraphLimits } from '../../graph/limits';
import { openBundle, type Bundle } from '../../hypernet/bundle';
import {
  isSame,
  lookAt,
  noBundle,
  readAliases,
  type Aliases,
  type FoundBundle,
  type ModelsDirectory,
} from '../../hypernet/models-directory';
import type { ExecutionProvider } from '../../hypernet/sessions';
import { SharedAnswers } from '../answers/shared-answers';
import { ModelChoice } from '../planning/model-choice';
import { namedBundles } from '../planning/named-bundles';
import { KeptPlans } from '../planning/kept-plans';
import type { Planner } from '../planning/planner';
import type { PredictionService } from '../prediction-service';
import { startPool } from '../provider';
import { LoadedPool, ModelSet, type ModelPart } from './model-set';
import { warmUp } from './warm-up';

/** With what models are loaded. */
export interface LoadingOptions {
  readonly directory: string;
  readonly defaultModel: string;
  readonly limits: GraphLimits;
  /** Plans for all sets. */
  readonly planner: Planner;
  readonly workers: number | 'auto';
  readonly cudaDevices: readonly number[];
  readonly provider: ExecutionProvider | 'auto';
  readonly service: PredictionService;
  /** Bytes of plans that are kept. */
  readonly planBytes: number;
  /** Hears where workers die later. */
  readonly onFailure: (error: Error) => void;
  readonly logger: Logger;
}

/** An entry of the directory that is no bundle, or none that works. */
export interface BrokenBundle extends FoundBundle {
  readonly error: LogahError;
  /** The one that is served in its place; undefined: none. */
  readonly served: Bundle | undefined;
}

/** What came of a directory. */
export interface LoadedModels {
  readonly set: ModelSet;
  readonly provider: ExecutionProvider;
  readonly look: ModelsDirectory;
  readonly aliases: Aliases;
  readonly broken: readonly BrokenBundle[];
  /** Bundles that were loaded for this. */
  readonly fresh: readonly Bundle[];
}

/** What was loaded before, and what of the directory is to be left alone. */
export interface Before {
  readonly loaded: LoadedModels | undefined;
  /** Paths that are not served. */
  readonly unloaded: ReadonlySet<string>;
  /** Whether to try again what was broken and has not changed. */
  readonly again: boolean;
}

interface Entry extends FoundBundle {
  readonly bundle: Bundle;
}

/**
 * Loads the models of a directory. Throws LogahError (failed_precondition) where no set can be made of them: there is no
 * bundle that works, names clash, or the file of aliases is wrong. A set that differs in nothing is the one before.
 */
export async function loadModels(options: LoadingOptions, before: Before): Promise<LoadedModels> {
  const { directory } = options;
  const look = await lookAt(directory);
  if (look.found.length === 0) throw noBundle(directory);
  const aliases = await readAliases(directory);
  const wanted = look.found.filter(({ path }) => !before.unloaded.has(path));
  const broken = new Map<string, BrokenBundle>();
  const previous = new Map(before.loaded?.set.parts.map((part) => [part.path, part]));
  const breaks = (found: FoundBundle, error: LogahError): void => {
    const { path, signature } = found;
    broken.set(path, { path, signature, error, served: previous.get(path)?.bundle });
  };
  const entries = await openAll(wanted, before, previous, breaks);
  for (;;) {
    const working = entries.filter(({ path }) => !broken.has(path));
    const kept = [...broken.keys()].flatMap((path) => previous.get(path) ?? []);
    if (working.length + kept.length === 0) throw firstOf(broken) ?? noBundle(directory);
    const attempt = new Attempt(options, { look, aliases, working, kept, before: before.loaded });
    const culprits = await attempt.run();
    if (culprits === undefined) return { ...attempt.result(), broken: [...broken.values()] };
    for (const { found, error } of culprits) breaks(found, error);
    // Without a set to go on with, the first fault ends the start.
    if (before.loaded === undefined) throw firstOf(broken) ?? noBundle(directory);
  }
}

async function openAll(
  wanted: readonly FoundBundle[],
  { loaded, again }: Before,
  previous: ReadonlyMap<string, ModelPart>,
  breaks: (found: FoundBundle, error: LogahError) => void,
): Promise<Entry[]> {
  const entries = await Promise.all(
    wanted.map(async (found): Promise<Entry[]> => {
      const { path, signature } = found;
      const part = previous.get(path);
      if (part?.signature === signature) return [{ path, signature, bundle: part.bundle }];
      const known = loaded?.broken.find((other) => other.path === path && other.signature === signature);
      if (known !== undefined && !again) {
        breaks(found, known.error);
        return [];
      }
      try {
        const bundle = await openBundle(path);
        return [{ path, signature, bundle: part !== undefined && isSameBundle(bundle, part.bundle) ? part.bundle : bundle }];
      } catch (error) {
        if (!(error instanceof LogahError) || loaded === undefined) throw error;
        breaks(found, error);
        return [];
      }
    }),
  );
  return entries.flat();
}

/** Whether only what is none of a model's business has changed, such as the dates of its files. */
function isSameBundle(bundle: Bundle, before: Bundle): boolean {
  return JSON.stringify(bundle) === JSON.stringify(before);
}

interface Ingredients {
  readonly look: ModelsDirectory;
  readonly aliases: Aliases;
  readonly working: readonly Entry[];
  /** Parts of the set before, whose place in the directory is broken. */
  readonly kept: readonly ModelPart[];
  readonly before: LoadedModels | undefined;
}

interface Culprit {
  readonly found: FoundBundle;
  readonly error: LogahError;
}

interface Workers {
  readonly loaded: LoadedPool;
  readonly provider: ExecutionProvider;
}

interface Culprits {
  readonly culprits: readonly Culprit[];
}

/** One try to make a set. */
class Attempt {
  readonly #options: LoadingOptions;
  readonly #parts: Ingredients;
  #result: Omit<LoadedModels, 'broken'> | undefined;

  constructor(options: LoadingOptions, parts: Ingredients) {
    this.#options = options;
    this.#parts = parts;
  }

  result(): Omit<LoadedModels, 'broken'> {
    if (this.#result === undefined) throw new Error('no set was made');
    return this.#result;
  }

  /** Undefined where a set was made, or else the bundles that it cannot be made with. Throws where no bundle is to blame. */
  async run(): Promise<readonly Culprit[] | undefined> {
    const { look, aliases, working, kept, before } = this.#parts;
    const bundles = [...working, ...kept].map(({ bundle }) => bundle);
    const choice = new ModelChoice(namedBundles(bundles, aliases), this.#options.defaultModel, aliases);
    if (before !== undefined && this.#isSame(before)) {
      this.#result = { ...before, look, fresh: [] };
      return undefined;
    }
    const made = await this.#workers();
    if ('culprits' in made) return made.culprits;
    const { loaded, provider } = made;
    const release = loaded.hold();
    const parts: ModelPart[] = [...working.map((entry) => ({ ...entry, workers: loaded })), ...kept];
    const { defaultModel, limits } = this.#options;
    const planner = this.#options.planner.add({ bundles, aliases: choice.aliases, defaultModel, limits });
    const plans = new KeptPlans(planner, this.#options.planBytes);
    const set = new ModelSet({ choice, planner, plans, answers: new SharedAnswers(choice), parts });
    release();
    const culprits = await this.#warmUp(set);
    if (culprits.length > 0) {
      set.retire();
      return culprits;
    }
    const known = new Set(before?.set.parts.map(({ bundle }) => bundle));
    const fresh = working.map(({ bundle }) => bundle).filter((bundle) => !known.has(bundle));
    this.#result = { set, provider, look, aliases, fresh };
    return undefined;
  }

  #isSame({ set, aliases, look }: LoadedModels): boolean {
    const { working, kept } = this.#parts;
    const now = new Set([...working, ...kept].map(({ bundle }) => bundle));
    return (
      now.size === set.parts.length &&
      set.parts.every(({ bundle }) => now.has(bundle)) &&
      JSON.stringify([...aliases]) === JSON.stringify([...this.#parts.aliases]) &&
      isSame({ found: [], aliasesSignature: look.aliasesSignature }, { ...this.#parts.look, found: [] })
    );
  }

  /** Those of before where they hold just what is wanted; new ones otherwise. */
  async #workers(): Promise<Workers | Culprits> {
    const { working, kept, before } = this.#parts;
    const wanted = working.map(({ bundle }) => bundle);
    const used = new Set([...wanted, ...kept.map(({ bundle }) => bundle)]);
    const same = before?.set.parts.find(
      ({ workers }) =>
        wanted.every((bundle) => workers.bundles.has(bundle)) &&
        [...workers.bundles].every((bundle) => used.has(bundle)),
    );
    if (before !== undefined && same !== undefined) {
      return { loaded: same.workers, provider: before.provider };
    }
    try {
      const { pool, provider } = await this.#start(wanted, this.#options.workers);
      return { loaded: new LoadedPool(pool, wanted), provider };
    } catch (error) {
      if (before === undefined) throw error;
      return { culprits: await this.#culprits(error) };
    }
  }

  #start(bundles: readonly Bundle[], workers: number | 'auto'): ReturnType<typeof startPool> {
    const { cudaDevices, logger, onFailure } = this.#options;
    const provider = this.#parts.before?.provider ?? this.#options.provider;
    return startPool({ provider, workers, cudaDevices, bundles, onFailure }, logger);
  }

  /** Loads each bundle alone, to find out which does not load. */
  async #culprits(error: unknown): Promise<Culprit[]> {
    const culprits: Culprit[] = [];
    for (const found of this.#parts.working) {
      await this.#start([found.bundle], 1).then(
        ({ pool }) => pool.close(),
        (reason: unknown) => {
          culprits.push({ found, error: asLogahError(reason) });
        },
      );
    }
    if (culprits.length === 0) throw error;
    return culprits;
  }

  async #warmUp(set: ModelSet): Promise<Culprit[]> {
    const culprits: Culprit[] = [];
    const warm = new Set(this.#parts.before?.set.parts.map(({ bundle }) => bundle));
    for (const found of this.#parts.working) {
      if (warm.has(found.bundle) && this.#parts.before?.set.pools.has(set.model(found.bundle.fingerprint).pool))
        continue;
      await warmUp(found.bundle, set, this.#options.service).catch((reason: unknown) => {
        culprits.push({ found, error: asLogahError(reason) });
      });
    }
    if (culprits.length > 0) return culprits;
    // What was checked must be what was loaded.
    const now = await lookAt(this.#options.directory);
    for (const found of this.#parts.working) {
      const { path, signature } = found;
      if (now.found.some((other) => other.path === path && other.signature === signature)) continue;
      const error = new LogahError('failed_precondition', `${path} changed while it was loaded`);
      culprits.push({ found, error });
    }
    return culprits;
  }
}

function firstOf(broken: ReadonlyMap<string, BrokenBundle>): LogahError | undefined {
  return [...broken.values()][0]?.error;
}

function asLogahError(reason: unknown): LogahError {
  if (reason instanceof LogahError) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new LogahError('failed_precondition', message, { cause: reason });
}
