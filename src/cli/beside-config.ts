/** The `config.json` beside the weights, which have to be its network's. */

import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parsePythonJson, plain } from '../python-json';
import { writeNew, writeWhole } from '../client/files/partial-file';
import { LogahError } from '../errors';
import type { InputFile } from './input-file';
import { withFileErrors } from '../system-error';

/** The configuration of one prediction in the directory that it goes to; nothing at all where it comes from none. */
export class BesideConfig {
  readonly #copy: string;
  #isClaimed = false;

  constructor(
    private readonly input: InputFile,
    directory: string,
  ) {
    this.#copy = join(directory, 'config.json');
  }

  /** A configuration of another network in the directory is the caller's own, and the weights would not be its. */
  async refuseOther(): Promise<void> {
    const { path, config } = this.input;
    if (config === undefined) return;
    const content = await readFile(this.#copy).catch(() => undefined);
    if (content === undefined || content.equals(config) || isSameJson(content, config)) return;
    throw new LogahError(
      'failed_precondition',
      `${this.#copy} is there and differs from ${path}; give another --out, or move it away`,
    );
  }

  /**
   * Writes the configuration unless one is there, and throws as `refuseOther` where that is another's. Of runs at the
   * same time one alone has the directory, so its weights may follow.
   */
  async claim(): Promise<void> {
    const { config } = this.input;
    if (config === undefined) return;
    this.#isClaimed = await withFileErrors(`write ${this.#copy}`, () => writeNew(this.#copy, config));
    if (!this.#isClaimed) await this.refuseOther();
  }

  /** The weights do not come: removes what `claim` wrote. */
  async giveUp(): Promise<void> {
    if (this.#isClaimed) await rm(this.#copy, { force: true });
  }

  /** Sees to it that the configuration is there as it was given; its path, undefined where nothing was to be written. */
  async save(): Promise<string | undefined> {
    const { path, config } = this.input;
    if (config === undefined || resolve(path) === resolve(this.#copy)) return undefined;
    if (!this.#isClaimed) {
      await withFileErrors(`write ${this.#copy}`, () => writeWhole(this.#copy, (file) => file.write(config)));
    }
    return this.#copy;
  }
}

function isSameJson(one: Buffer, other: Buffer): boolean {
  try {
    return isDeepStrictEqual(valueOf(one), valueOf(other));
  } catch {
    return false;
  }
}

function valueOf(file: Buffer): unknown {
  return plain(parsePythonJson(file.toString()));
}
