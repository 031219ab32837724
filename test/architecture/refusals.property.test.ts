/** Whatever comes, the answer is a graph or a LogahError; anything else would be a fault of ours. */

import fc from 'fast-check';
import { architectureGraph } from '../../src/architecture';
import { toProtoGraph } from '../../src/architecture/explicit-graph';
import { parseGraphJson } from '../../src/architecture/graph-json';
import { LogahError } from '../../src/errors';
import { validateGraph } from '../../src/graph/validate';
import { linearGraph } from '../graph/sample-graphs';
import { goldenConfig, goldenNames } from './golden-graphs';
import { generousLimits, received } from './requests';

/** Small, so that a graph that passes is built in no time. */
const limits = { maxNodes: 500, maxParameters: 1e9 };

function accepts(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof LogahError) return false;
    throw error;
  }
}

function readConfig(bytes: Uint8Array): void {
  validateGraph(architectureGraph({ transformersConfig: Buffer.from(bytes) }, limits), generousLimits);
}

test('random bytes as a configuration', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      accepts(() => {
        readConfig(bytes);
      });
    }),
  );
});

const fields = [
  ...[
    'hidden_size',
    'num_hidden_layers',
    'num_attention_heads',
    'intermediate_size',
    'image_size',
    'patch_size',
  ],
  ...['num_channels', 'num_labels', 'id2label', 'qkv_bias', 'initializer_range', 'architectures', 'head_dim'],
  ...['n_embd', 'n_layer', 'n_head', 'n_inner', 'vocab_size', 'n_positions', 'max_position_embeddings'],
  ...['num_key_value_heads', 'attention_bias', 'mlp_bias', 'rope_scaling'],
  ...['type_vocab_size', 'ffn_dim', 'word_embed_proj_dim', 'do_layer_norm_before', 'enable_bias'],
  ...['tie_word_embeddings', 'add_cross_attention', 'per_layer_config', '__proto__', 'constructor'],
];
const values = fc.oneof(
  fc.integer({ min: -2, max: 64 }),
  fc.constantFrom(1, 2, 3, 4, 8, 16, 32, 64, 96, 2 ** 31, 1e300, -0),
  fc.tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 })),
  fc.boolean(),
  fc.jsonValue(),
);
const mutations = fc.array(fc.tuple(fc.constantFrom(...fields), values), { maxLength: 5 });

test('mutations of a configuration, which make a valid graph or are refused', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...goldenNames), mutations, (name, changes) => {
      const config = JSON.parse(goldenConfig(name).toString()) as Record<string, unknown>;
      const changed = new Map([...Object.entries(config), ...changes]);
      const text = [...changed]
        .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
        .join();
      const read = accepts(() => {
        readConfig(Buffer.from(`{${text}}`));
      });
      if (read) accepted += 1;
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(20);
});

const linear = JSON.stringify(toProtoGraph(linearGraph()));

test('mutations of a graph', () => {
  const places = [...linear.matchAll(/\d+|"[A-Za-z_]+"/g)].map(
    (match) => [match.index, match[0].length] as const,
  );
  const pieces = fc.oneof(
    fc.integer({ min: -1, max: 9 }).map(String),
    fc.constantFrom('1e9', '2.5', '"name"', '"bias"', '""', 'null', '[]', '4294967295', '"ROLE_BIAS"'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), pieces, ([start, length], piece) => {
      accepts(() => {
        const graph = parseGraphJson(linear.slice(0, start) + piece + linear.slice(start + length));
        architectureGraph(received({ graph }), limits);
      });
    }),
    { numRuns: 500 },
  );
});
