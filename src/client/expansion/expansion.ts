/** Expansions: a model's last layer, fetched once and kept under its digest. */

import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expansionBytes, type Expansion } from './core-blocks';
import { writeWhole } from '../files/partial-file';
import { expectEqual, ProtocolError } from '../protocol-error';

/** Expansions that are kept in memory; a client seldom asks more models than one. */
const KEPT_EXPANSIONS = 4;

/** The layer that makes factors of cores. */
export interface ExpansionLayer {
  readonly expansion: Expansion;
  /** [rows, rank], row-major. */
  readonly weight: Float32Array;
  /** [rows]. */
  readonly bias: Float32Array;
}

/** The parts of an expansion's file, as they come. */
type Fetch = () => AsyncIterable<Uint8Array>;

/** Expansions in memory and, where there is a directory, on disk, where each is a file named by its SHA-256. */
export class ExpansionCache {
  readonly #directory: string | undefined;
  readonly #layers = new Map<string, Promise<ExpansionLayer>>();

  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /**
   * The layer: from memory, from disk, where a file of another content is fetched anew, or from `fetch`. Rejects as
   * `fetch` does, or with ProtocolError where what it brings has another digest. A directory that cannot be written is
   * done without.
   */
  get(expansion: Expansion, fetch: Fetch): Promise<ExpansionLayer> {
    const kept = this.#layers.get(expansion.sha256);
    if (kept !== undefined) return kept;
    const layer = this.#load(expansion, fetch);
    this.#layers.set(expansion.sha256, layer);
    layer.catch(() => this.#layers.delete(expansion.sha256));
    const [oldest] = this.#layers.keys();
    if (this.#layers.size > KEPT_EXPANSIONS && oldest !== undefined) this.#layers.delete(oldest);
    return layer;
  }

  async #load(expansion: Expansion, fetch: Fetch): Promise<ExpansionLayer> {
    const stored = await this.#read(expansion);
    if (stored !== undefined) return layerOf(expansion, stored);
    const fetched = await fetchWhole(expansion, fetch);
    await this.#write(expansion, fetched);
    return layerOf(expansion, fetched);
  }

  async #read(expansion: Expansion): Promise<Buffer | undefined> {
    if (this.#directory === undefined) return undefined;
    const stored = await readFile(join(this.#directory, expansion.sha256)).catch(() => undefined);
    return stored !== undefined && digest(stored) === expansion.sha256 ? stored : undefined;
  }

  async #write(expansion: Expansion, content: Buffer): Promise<void> {
    const directory = this.#directory;
    if (directory === undefined) return;
    try {
      await mkdir(directory, { recursive: true });
      await writeWhole(join(directory, expansion.sha256), (file) => file.write(content, 0));
    } catch {
      // It will be fetched again.
    }
  }
}

async function fetchWhole(expansion: Expansion, fetch: Fetch): Promise<Buffer> {
  const whole = Buffer.from(new ArrayBuffer(expansionBytes(expansion)));
  let length = 0;
  for await (const part of fetch()) {
    if (length + part.length > whole.length) {
      throw new ProtocolError('bytes of the expansion', length + part.length, whole.length);
    }
    whole.set(part, length);
    length += part.length;
  }
  expectEqual('bytes of the expansion', length, whole.length);
  expectEqual('SHA-256 of the expansion', digest(whole), expansion.sha256);
  return whole;
}

function layerOf(expansion: Expansion, content: Buffer): ExpansionLayer {
  // The memory of a file that was read need not be aligned.
  const values = new Float32Array(Uint8Array.from(content).buffer);
  const elements = expansion.rows * expansion.rank;
  expectEqual('bytes of the expansion', content.length, expansionBytes(expansion));
  return { expansion, weight: values.subarray(0, elements), bias: values.subarray(elements) };
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
