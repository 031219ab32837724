/** Apart from the manifest's schema, whose library the decode workers do not load: they pay for every object. */

import type { DecoderKind } from './decoder-kind';

/** The file that holds the last layer of a low-rank decoder: what makes factors of cores, here and in clients. */
export const EXPANSION_FILE = 'expansion.bin';

/** What tells which files a bundle has. */
interface BundleKind {
  readonly version: number;
  readonly hypernet: { readonly decoder: DecoderKind };
}

/** The files that a bundle must hold. */
export function requiredFiles(bundle: BundleKind): readonly string[] {
  const { version, hypernet } = bundle;
  const isExpanded = version > 1 && hypernet.decoder !== 'dense';
  return [...graphFiles(bundle), ...(isExpanded ? [EXPANSION_FILE] : [])];
}

/** Those of them that are ONNX graphs. */
export function graphFiles({ hypernet: { decoder } }: BundleKind): readonly string[] {
  return decoder === 'dense'
    ? ['encoder.onnx', 'decoder.onnx', 'decoder_1d.onnx', 'decoder_class.onnx']
    : ['encoder.onnx', 'decoder.onnx', 'product.onnx'];
}
