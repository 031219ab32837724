import { parseManifest, type HypernetConfig, type Manifest } from '../../src/hypernet/manifest';

const SHA256 = 'ab'.repeat(32);
const file = { sha256: SHA256, bytes: 10 };

/** A valid manifest as JSON, of a low-rank model; `changes` replaces top-level fields. */
export function manifestJson(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    format: 'logah-bundle',
    version: 1,
    name: 'tiny',
    description: 'for tests',
    license: 'MIT',
    files: { 'encoder.onnx': file, 'decoder.onnx': file, 'product.onnx': file },
    hypernet: hypernetJson(),
    parameters: 1000,
    families: ['vit'],
    training: null,
    ...changes,
  };
}

/** The part on the hypernetwork; max_shape (64, 32, 16, 16), ck 128, rank 8. */
export function hypernetJson(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    hid: 16,
    heads: 2,
    layers: 1,
    rank: 8,
    ck: 128,
    max_shape: [64, 32, 16, 16],
    num_classes: 10,
    decoder: 'low_rank',
    normalization: 'fan_in',
    embedding_scale: 'none',
    operations: ['conv', 'sum', 'input', 'bias', 'ln', 'pos_enc'],
    cutoff: 50,
    slots: 1,
    ...changes,
  };
}

export function manifest(changes: Readonly<Record<string, unknown>> = {}): Manifest {
  return parseManifest(JSON.stringify(manifestJson(changes)), 'manifest.json');
}

export function hypernetConfig(changes: Readonly<Record<string, unknown>> = {}): HypernetConfig {
  const files = Object.fromEntries(
    ['encoder', 'decoder', 'product', 'decoder_1d', 'decoder_class'].map((name) => [`${name}.onnx`, file]),
  );
  return manifest({ hypernet: hypernetJson(changes), files }).hypernet;
}
