/** Apart from the manifest's schema, whose library the decode workers do not load: they pay for every object. */

import type { DecoderKind } from './decoder-kind';

/** The files that a bundle must hold, by its decoder. */
export function requiredFiles(decoder: DecoderKind): readonly string[] {
  return decoder === 'dense'
    ? ['encoder.onnx', 'decoder.onnx', 'decoder_1d.onnx', 'decoder_class.onnx']
    : ['encoder.onnx', 'decoder.onnx', 'product.onnx'];
}
