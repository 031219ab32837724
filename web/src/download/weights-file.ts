/** A file of weights as it is written: what lies before, between and behind the tensors' bytes. */

/** CRC-32 of a tensor of whose bytes all have passed. */
export type SumOf = (tensor: string) => number;

/** A file whose size is known before its content. */
export interface WeightsFile {
  readonly size: number;
  /** Before any tensor. */
  readonly begin: Uint8Array;
  /** The next bytes of the tensors, in order, with what lies between them. */
  readonly next: (data: Uint8Array, sumOf: SumOf) => Iterable<Uint8Array>;
  /** Behind all tensors. */
  readonly end: (sumOf: SumOf) => Uint8Array;
}
