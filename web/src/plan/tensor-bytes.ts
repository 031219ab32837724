/** Bytes of each tensor by representation, once they are known. */
export type TensorBytes = ReadonlyMap<
  string,
  { readonly dense: number; readonly factors: number; readonly core: number }
>;
