/** A growing float32 buffer, used again and again. What `take` returned is overwritten by the next `take`. */
export class Scratch {
  #buffer = new Float32Array(0);

  /** `length` elements of unspecified value. */
  take(length: number): Float32Array {
    if (this.#buffer.length < length) this.#buffer = new Float32Array(length);
    return this.#buffer.subarray(0, length);
  }
}
