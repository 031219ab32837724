/** How a node's embedding becomes parameters: LoGAH as published, with aligned blocks, or GHN-3. */
export const DECODER_KINDS = ['low_rank', 'aligned', 'dense'] as const;

export type DecoderKind = (typeof DECODER_KINDS)[number];
