import type { ConfigReader } from '../config-reader';
import { checkHeads } from '../described-family';

/** Sizes that BART and Whisper name alike. */
export interface EncoderDecoderSizes {
  readonly width: number;
  readonly layers: number;
  readonly decoderLayers: number;
  readonly hidden: number;
  readonly decoderHidden: number;
  readonly vocabulary: number;
}

/** Reads them, and checks the heads and the padding of both stacks. */
export function readEncoderDecoder(reader: ConfigReader): EncoderDecoderSizes {
  const sizes: EncoderDecoderSizes = {
    width: reader.size('d_model'),
    layers: reader.size('encoder_layers'),
    decoderLayers: reader.size('decoder_layers'),
    hidden: reader.size('encoder_ffn_dim'),
    decoderHidden: reader.size('decoder_ffn_dim'),
    vocabulary: reader.size('vocab_size'),
  };
  for (const heads of ['encoder_attention_heads', 'decoder_attention_heads']) {
    checkHeads(reader, sizes.width, 'd_model', reader.size(heads), heads);
  }
  reader.checkPadding(sizes.vocabulary);
  return sizes;
}

/** By the configuration's names. */
export function namedSizes(sizes: EncoderDecoderSizes): Record<string, number> {
  return {
    d_model: sizes.width,
    encoder_layers: sizes.layers,
    decoder_layers: sizes.decoderLayers,
    encoder_ffn_dim: sizes.hidden,
    decoder_ffn_dim: sizes.decoderHidden,
    vocab_size: sizes.vocabulary,
  };
}
