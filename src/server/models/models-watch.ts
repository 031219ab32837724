/**
 * Notices that the models directory has changed, by looking at it: what is mounted from elsewhere, or swapped as a link of
 * a whole directory, tells a watcher of files nothing.
 */

import type { Logger } from 'pino';
import { LogahError } from '../../errors';
import { isSame, lookAt, type ModelsDirectory } from '../../hypernet/models-directory';
import { loggable } from '../../untrusted-text';
import type { LiveModels } from './live-models';

export class ModelsWatch {
  readonly #directory: string;
  readonly #models: LiveModels;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout | undefined;
  #before: ModelsDirectory | undefined;
  #handled: ModelsDirectory;
  #looking = false;
  #unreadable = false;

  /** Looks every `seconds`; never for 0. */
  constructor(directory: string, seconds: number, models: LiveModels, logger: Logger) {
    this.#directory = directory;
    this.#models = models;
    this.#logger = logger;
    this.#handled = models.look;
    if (seconds === 0) return;
    this.#timer = setInterval(() => {
      void this.#look();
    }, seconds * 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const now = await lookAt(this.#directory);
      this.#unreadable = false;
      // Twice the same: nobody is writing it just now.
      const settled = this.#before !== undefined && isSame(now, this.#before);
      this.#before = now;
      if (!settled || isSame(now, this.#handled) || isSame(now, this.#models.look)) return;
      // What cannot be served is told of once, and tried again when it changes.
      if (await this.#reloaded()) this.#handled = now;
    } catch (error) {
      if (!this.#unreadable) this.#warn(error);
      this.#unreadable = true;
    } finally {
      this.#looking = false;
    }
  }

  /** False where it is worth trying again although nothing changes. */
  async #reloaded(): Promise<boolean> {
    try {
      await this.#models.reload(false);
      return true;
    } catch (error) {
      if (!(error instanceof LogahError)) this.#warn(error);
      return !(error instanceof LogahError && error.kind === 'resource_exhausted');
    }
  }

  #warn(error: unknown): void {
    const reason = loggable(error instanceof Error ? error.message : String(error));
    this.#logger.warn({ directory: this.#directory, reason }, 'cannot look at the models directory');
  }
}
