/** gRPC's prefix of a message: whether it is compressed, and its length in 32 bits. */
export const PREFIX_BYTES = 5;

/** How many messages have begun in what arrives, told from their prefixes alone: each five bytes can be a message. */
export class MessageCount {
  #count = 0;
  /** Of the current message. */
  #left = 0;
  /** Of the current prefix. */
  #seen = 0;
  #length = 0;

  /** Takes what has arrived next; returns how many messages have begun so far. */
  add(piece: Uint8Array): number {
    let at = 0;
    while (at < piece.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, piece.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      if (this.#seen === 0) this.#count++;
      // The first byte is no part of the length; of five, shifts drop it.
      this.#length = ((this.#length << 8) | (piece[at++] as number)) >>> 0;
      if (++this.#seen < PREFIX_BYTES) continue;
      this.#left = this.#length;
      this.#seen = 0;
      this.#length = 0;
    }
    return this.#count;
  }
}
