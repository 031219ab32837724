import type { ConfigReader } from '../config-reader';
import { checkHeads } from '../described-family';
import type { Head } from '../heads/head';

/** Sizes that BART and Whisper name alike. */
export interface EncoderDecoderSizes {
  readonly width: number;
  readonly layers: number;
  readonly decoderLayers: number;
  readonly hidden: number;
  readonly decoderHidden: number;
  readonly vocabulary: number;
  /** Which stacks the class has. */
  readonly encodes: boolean;
  readonly decodes: boolean;
  /** The standard deviation of initial weights. */
  readonly deviation: number;
}

/** Reads them, and checks the heads of the stacks that the class has, and the padding. */
export function readEncoderDecoder(
  reader: ConfigReader,
  { encoderOnly, decoderOnly }: Head,
): EncoderDecoderSizes {
  const sizes: EncoderDecoderSizes = {
    width: reader.size('d_model'),
    layers: reader.size('encoder_layers'),
    decoderLayers: reader.size('decoder_layers'),
    hidden: reader.size('encoder_ffn_dim'),
    decoderHidden: reader.size('decoder_ffn_dim'),
    vocabulary: reader.size('vocab_size'),
    encodes: !decoderOnly,
    decodes: !encoderOnly,
    deviation: reader.standardDeviation('init_std'),
  };
  const { encodes, decodes, width, vocabulary } = sizes;
  for (const [heads, isThere] of [
    ['encoder_attention_heads', encodes],
    ['decoder_attention_heads', decodes],
  ] as const) {
    const count = reader.size(heads);
    if (isThere) checkHeads(reader, width, 'd_model', count, heads);
  }
  if (decodes) reader.checkPadding(vocabulary);
  return sizes;
}

/** By the configuration's names. */
export function namedSizes(sizes: EncoderDecoderSizes): Record<string, number> {
  return {
    d_model: sizes.width,
    ...(sizes.encodes && { encoder_layers: sizes.layers, encoder_ffn_dim: sizes.hidden }),
    ...(sizes.decodes && {
      decoder_layers: sizes.decoderLayers,
      decoder_ffn_dim: sizes.decoderHidden,
      vocab_size: sizes.vocabulary,
    }),
  };
}
