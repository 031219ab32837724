/** Where the time of a stream goes: waiting for tiles, and waiting for its reader. */

import type { CallRecord } from './call-record';

export class StreamClock {
  readonly #started = performance.now();
  #mark = this.#started;
  /** Milliseconds. */
  #waited = 0;
  #written = 0;
  #firstChunk: number | undefined;
  #lastChunk = this.#started;
  #lastWritten = this.#started;

  /** A chunk is there to be written, or there is no more. */
  gotChunk(): void {
    const now = performance.now();
    this.#waited += now - this.#mark;
    this.#mark = now;
    this.#firstChunk ??= now;
    this.#lastChunk = now;
  }

  /** The chunk has been handed over. */
  wroteChunk(): void {
    const now = performance.now();
    this.#written += now - this.#mark;
    this.#mark = now;
    this.#lastWritten = now;
  }

  /** Notes the stages; waiting for the first chunk includes encoding, which took `encodeSeconds`. */
  note(record: CallRecord, encodeSeconds: number): void {
    const encoded = this.#started + encodeSeconds * 1000;
    if (encodeSeconds > 0) record.stage('encode', this.#started, encoded);
    const decodeSeconds = Math.max(0, this.#waited / 1000 - encodeSeconds);
    record.stage('decode', encoded, Math.max(encoded, this.#lastChunk), decodeSeconds);
    if (this.#firstChunk === undefined) return;
    const end = Math.max(this.#firstChunk, this.#lastWritten);
    record.stage('write', this.#firstChunk, end, this.#written / 1000);
  }
}
