/** The models of a server over its life: one set serves, and another takes its place when the directory has changed. */

import { basename } from 'node:path';
import { LogahError } from '../../errors';
import type { Bundle } from '../../hypernet/bundle';
import { exactName } from '../../hypernet/exact-name';
import type { ModelsDirectory } from '../../hypernet/models-directory';
import type { ExecutionProvider } from '../../hypernet/sessions';
import { matching } from '../planning/named-bundles';
import type { QueueBounds } from '../planning/plan-queue';
import { Planner } from '../planning/planner';
import { loggable, quoted } from '../../untrusted-text';
import { Pace } from '../admission/pace';
import { loadModels, type BrokenBundle, type LoadedModels, type LoadingOptions } from './load-models';
import type { ModelSet } from './model-set';

/** Sets that calls in flight may keep beside the one that serves; each holds workers of its own. */
const MOST_EARLIER_SETS = 3;

/** Advice when to try again: never at once, nor too late for whoever waits; and what is given before a set has ended. */
const SOONEST_MS = 1000;
const LATEST_MS = 60_000;
const UNKNOWN_MS = 10_000;

/** What a load can come to. */
export type LoadResult = 'loaded' | 'failed' | 'unloaded';

/** How models are kept. */
export interface LiveModelsOptions extends Omit<LoadingOptions, 'planner'> {
  /** How many requests may wait to be planned, and for how long. */
  readonly queue: QueueBounds;
  /** Hears of each bundle that was loaded, did not load, or is not served any more. */
  readonly onResult: (result: LoadResult) => void;
  /** Hears whether all of the directory is served, whenever it was loaded, or could not be. */
  readonly onWhole: (isWhole: boolean) => void;
}

export class LiveModels {
  readonly #options: LiveModelsOptions & LoadingOptions;
  /** With the times at which they were replaced, the oldest first. */
  readonly #earlier = new Map<ModelSet, number>();
  /** For how long calls have kept earlier sets. */
  readonly #pace = new Pace();
  readonly #unloaded = new Map<string, Bundle>();
  #loaded: LoadedModels;
  /** Why the directory as it is cannot be served; undefined: it is. */
  #refusal: LogahError | undefined;
  #look: ModelsDirectory;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: LiveModelsOptions & LoadingOptions, loaded: LoadedModels) {
    this.#options = options;
    this.#loaded = loaded;
    this.#look = loaded.look;
  }

  /** Loads every model of the directory. Throws LogahError (failed_precondition) where one does not load. */
  static async open(options: LiveModelsOptions): Promise<LiveModels> {
    // Starts beside the workers, since the threads of both have to load what they are made of first.
    const planner = new Planner(options.queue, options.onFailure);
    try {
      const loading = loadModels({ ...options, planner }, { loaded: undefined, unloaded: new Set(), again: true });
      // Without a planner, no model can be shown to work.
      const loaded = await loading.finally(() => planner.ready);
      const models = new LiveModels({ ...options, planner }, loaded);
      for (const bundle of loaded.fresh) models.#tell('loaded', bundle);
      return models;
    } catch (error) {
      await planner.close();
      throw error;
    }
  }

  /** The set that answers new calls. */
  get current(): ModelSet {
    return this.#loaded.set;
  }

  /** All sets that still answer calls, the newest first. */
  get sets(): readonly ModelSet[] {
    return [this.#loaded.set, ...[...this.#earlier.keys()].reverse()];
  }

  /** Requests that wait to be planned, or are. */
  get planning(): number {
    return this.#options.planner.length;
  }

  get provider(): ExecutionProvider {
    return this.#loaded.provider;
  }

  /** What of the directory is not served as it is. */
  get broken(): readonly BrokenBundle[] {
    return this.#loaded.broken;
  }

  /** Whether the directory as it was last looked at is what is served. */
  get isWhole(): boolean {
    return this.#refusal === undefined && this.#loaded.broken.length === 0;
  }

  /** The directory as it was when it was last loaded, or could not be. */
  get look(): ModelsDirectory {
    return this.#look;
  }

  /**
   * Loads what has changed, and switches to it at once; what is broken stays as it was. Resolves with whether anything
   * changed. Rejects with LogahError where no set can be made of the directory; the one that serves goes on.
   */
  reload(again = true): Promise<boolean> {
    return this.#inTurn(() => this.#reload(again));
  }

  /**
   * Loads one model, by its name, NAME@FINGERPRINT or directory, also one that was unloaded, and whatever else has
   * changed. Rejects with LogahError: not_found, or failed_precondition where it is broken.
   */
  load(name: string): Promise<Bundle> {
    return this.#inTurn(async () => {
      for (const [path, bundle] of this.#unloaded) {
        if (isNamed(name, path, bundle)) this.#unloaded.delete(path);
      }
      await this.#reload(true);
      const broken = this.broken.find(({ path, served }) => isNamed(name, path, served));
      if (broken !== undefined) throw broken.error;
      const part = this.current.parts.find(({ path, bundle }) => isNamed(name, path, bundle));
      return part?.bundle ?? this.current.choice.held(name);
    });
  }

  /**
   * Serves a model no longer, until `load` names it; calls that began with it go on. Rejects with LogahError: not_found, or
   * failed_precondition where another model could not take its place.
   */
  unload(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const bundle = this.current.choice.held(name === '' ? ' ' : name);
      const part = this.current.parts.find((candidate) => candidate.bundle === bundle);
      if (part === undefined) throw new Error(`no part has ${exactName(bundle)}`);
      if (this.current.parts.length === 1) {
        throw new LogahError('failed_precondition', `${quoted(name)} is the only model of this server`);
      }
      this.#unloaded.set(part.path, bundle);
      try {
        await this.#reload(false);
      } catch (error) {
        this.#unloaded.delete(part.path);
        throw error;
      }
    });
  }

  /** Ends all sets at once. */
  async close(): Promise<void> {
    await Promise.all([this.#options.planner.close(), ...this.sets.map((set) => set.close())]);
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #reload(again: boolean): Promise<boolean> {
    if (this.#earlier.size >= MOST_EARLIER_SETS) {
      throw new LogahError(
        'resource_exhausted',
        `calls in flight still hold ${this.#earlier.size} earlier sets of models, the most that are kept`,
        { retryAfterMs: this.#retryAfterMs() },
      );
    }
    const { logger } = this.#options;
    const before = this.#loaded;
    const unloaded = new Set(this.#unloaded.keys());
    try {
      this.#loaded = await loadModels(this.#options, { loaded: before, unloaded, again });
    } catch (error) {
      if (error instanceof LogahError) {
        this.#refusal = error;
        this.#options.onResult('failed');
        this.#options.onWhole(false);
        logger.error({ reason: loggable(error.message) }, 'models not loaded');
      }
      throw error;
    }
    this.#refusal = undefined;
    this.#look = this.#loaded.look;
    this.#report(before);
    this.#options.onWhole(this.isWhole);
    if (this.#loaded.set === before.set) return false;
    this.#retire(before.set);
    return true;
  }

  /** When the oldest of the earlier sets will end, where its calls take as long as those of others did. */
  #retryAfterMs(): number {
    const [oldest = 0] = this.#earlier.values();
    const left = (this.#pace.meanMs ?? UNKNOWN_MS) - (performance.now() - oldest);
    return Math.round(Math.min(LATEST_MS, Math.max(SOONEST_MS, left)));
  }

  #report(before: LoadedModels): void {
    const { fresh, broken, set } = this.#loaded;
    const known = new Map(before.broken.map(({ path, error }) => [path, error]));
    for (const { path, error, served } of broken) {
      if (known.get(path) === error) continue;
      this.#options.onResult('failed');
      this.#options.logger.error(
        {
          directory: path,
          reason: loggable(error.message),
          serving: served === undefined ? null : exactName(served),
        },
        'model not loaded',
      );
    }
    for (const bundle of fresh) this.#tell('loaded', bundle);
    const now = new Set(set.parts.map(({ bundle }) => bundle));
    for (const { bundle } of before.set.parts) {
      if (!now.has(bundle)) this.#tell('unloaded', bundle);
    }
  }

  #tell(result: 'loaded' | 'unloaded', bundle: Bundle): void {
    this.#options.onResult(result);
    const { fingerprint, manifest } = bundle;
    const message = result === 'loaded' ? 'model loaded' : 'model unloaded';
    this.#options.logger.info({ model: manifest.name, modelFingerprint: fingerprint }, message);
  }

  #retire(set: ModelSet): void {
    const since = performance.now();
    this.#earlier.set(set, since);
    const forget = (): void => {
      this.#earlier.delete(set);
      this.#pace.took(performance.now() - since);
    };
    set.ended.then(forget, forget);
    set.retire();
  }
}

function isNamed(name: string, path: string, bundle: Bundle | undefined): boolean {
  if (basename(path) === name || bundle?.manifest.name === name) return true;
  return bundle !== undefined && matching(new Map([[exactName(bundle), bundle]]), name).length === 1;
}
