/** What the data of a tensor shows of it, whatever its position in the network. */

/**
 * `zeros`, `ones` and `constant` hold for every element; `drawn`: no more structure than random numbers around 0 have;
 * `structured`: sinusoids, masks, windows and the like, which nobody learns; `other`: none of these.
 */
export type ContentKind = 'zeros' | 'ones' | 'constant' | 'drawn' | 'structured' | 'other';

/** What the sender of an ONNX file saw of a tensor before leaving its data out; `OnnxContent` in the contract. */
export interface TensorContent {
  /** Of an initializer, or of the output of a `Constant`. */
  readonly name: string;
  readonly kind: ContentKind;
  /** Mean and standard deviation of the elements. */
  readonly mean: number;
  readonly deviation: number;
  /** Whether there are elements, and none of them is below 0. */
  readonly nonNegative: boolean;
  /** The first tensor of the file with the same elements in the same order; undefined: this one. */
  readonly sameAs: string | undefined;
  /** Whether that is a matrix, and this one its transpose. */
  readonly transposed: boolean;
}
