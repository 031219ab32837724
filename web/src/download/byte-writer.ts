/** Bytes that are put together piece by piece; numbers are little-endian. */

/** A writer of small files and headers. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  text(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  u8(...values: readonly number[]): this {
    return this.bytes(Uint8Array.from(values));
  }

  u16(...values: readonly number[]): this {
    return this.#numbers(values, 2, (view, at, value) => {
      view.setUint16(at, value, true);
    });
  }

  u32(...values: readonly number[]): this {
    return this.#numbers(values, 4, (view, at, value) => {
      view.setUint32(at, value, true);
    });
  }

  u64(...values: readonly number[]): this {
    return this.#numbers(values, 8, (view, at, value) => {
      view.setBigUint64(at, BigInt(value), true);
    });
  }

  /** All of it. */
  result(): Uint8Array {
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  #numbers(
    values: readonly number[],
    size: number,
    put: (view: DataView, at: number, value: number) => void,
  ): this {
    const part = new Uint8Array(values.length * size);
    const view = new DataView(part.buffer);
    for (const [index, value] of values.entries()) put(view, index * size, value);
    return this.bytes(part);
  }
}
