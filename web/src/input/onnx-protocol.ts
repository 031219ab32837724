/** What the thread that reads ONNX files answers. */

import type { TensorContent } from '../../../src/onnx-file/content';

export type OnnxAnswer =
  | { readonly kind: 'read'; readonly onnx: Uint8Array; readonly contents: readonly TensorContent[] }
  | { readonly kind: 'failed'; readonly message: string };
