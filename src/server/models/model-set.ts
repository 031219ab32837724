/**
 * The models that requests find at one time: what plans with them, the workers that hold them, and the answers about
 * them. A set never changes; another takes its place, and the one before ends when the last call that began with it has.
 */

import type { DecodePool } from '../../decode/decode-pool';
import type { Bundle } from '../../hypernet/bundle';
import { builtInModels } from '../../starts';
import type { SharedAnswers } from '../answers/shared-answers';
import type { ModelChoice } from '../planning/model-choice';
import type { KeptPlans } from '../planning/kept-plans';
import type { SetPlanner } from '../planning/set-planner';
import { Held } from './held';

/** Workers, and the bundles that all of them have loaded. */
export class LoadedPool {
  readonly pool: DecodePool;
  readonly bundles: ReadonlySet<Bundle>;
  readonly #held: Held;

  constructor(pool: DecodePool, bundles: readonly Bundle[]) {
    this.pool = pool;
    this.bundles = new Set(bundles);
    this.#held = new Held(async () => {
      // What streams had decoded ahead goes into memory that others use next.
      await pool.whenIdle();
      await pool.close();
    });
  }

  hold(): () => void {
    return this.#held.hold();
  }

  get ended(): Promise<void> {
    return this.#held.ended;
  }
}

/** A bundle that is served, from where, and by which workers. */
export interface ModelPart {
  /** Its entry in the models directory, which may hold something else by now. */
  readonly path: string;
  readonly signature: string;
  readonly bundle: Bundle;
  readonly workers: LoadedPool;
}

/** What a prediction needs of a model. */
export interface ServedModel {
  readonly bundle: Bundle;
  readonly pool: DecodePool;
  /** Keeps the workers; the result lets them go. */
  readonly hold: () => () => void;
}

/** What a set is made of. */
export interface ModelSetParts {
  readonly choice: ModelChoice;
  readonly planner: SetPlanner;
  /** What the planner planned, for whoever asks again. */
  readonly plans: KeptPlans;
  readonly answers: SharedAnswers;
  readonly parts: readonly ModelPart[];
}

export class ModelSet implements ModelSetParts {
  readonly choice: ModelChoice;
  readonly planner: SetPlanner;
  readonly plans: KeptPlans;
  readonly answers: SharedAnswers;
  readonly parts: readonly ModelPart[];
  readonly #held: Held;
  readonly #retire: () => void;

  constructor({ choice, planner, plans, answers, parts }: ModelSetParts) {
    this.choice = choice;
    this.planner = planner;
    this.plans = plans;
    this.answers = answers;
    this.parts = parts;
    const pools = new Set(parts.map(({ workers }) => workers));
    const releases = [...pools].map((workers) => workers.hold());
    this.#held = new Held(() => {
      for (const release of releases) release();
      planner.close();
      return Promise.resolve();
    });
    this.#retire = this.#held.hold();
  }

  /** The workers of all parts. */
  get pools(): ReadonlySet<DecodePool> {
    return new Set(this.parts.map(({ workers }) => workers.pool));
  }

  /** A model by its fingerprint. */
  model(fingerprint: string): ServedModel {
    const start = builtInModels.find((model) => model.fingerprint === fingerprint);
    // Any workers fill by rule.
    const part = start === undefined ? this.parts.find(({ bundle }) => bundle.fingerprint === fingerprint) : this.parts[0];
    if (part === undefined) throw new Error(`no model ${fingerprint} in this server`);
    const { workers } = part;
    const bundle = start ?? part.bundle;
    return {
      bundle,
      pool: workers.pool,
      hold: () => workers.hold(),
    };
  }

  /** Keeps the set while a call goes on; the result lets it go. */
  hold(): () => void {
    return this.#held.hold();
  }

  /** Lets the set end once nobody holds it. */
  retire(): void {
    this.#retire();
  }

  /** Resolves when the set has ended. */
  get ended(): Promise<void> {
    return this.#held.ended;
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.planner.close();
    await Promise.all([...this.pools].map((pool) => pool.close()));
  }
}
