import { readNetwork } from '../../src/architecture';
import type { ArchitectureGraph } from '../../src/graph/graph';
import { Violations } from '../../src/graph/violations';
import { widen, type Widening } from '../../src/graph/widening';
import { generousLimits, violations } from '../architecture/requests';

const GPT2 = { model_type: 'gpt2', n_embd: 16, n_layer: 1, n_head: 4, vocab_size: 50, n_positions: 8 };
const OPT = {
  model_type: 'opt',
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  ffn_dim: 32,
  vocab_size: 50,
  max_position_embeddings: 8,
};

function narrowedBy(config: object, copies: number): { graph: ArchitectureGraph; base: ArchitectureGraph } {
  const transformersConfig = Buffer.from(JSON.stringify(config));
  const network = readNetwork({ transformersConfig }, generousLimits);
  const found = new Violations();
  const base = network.narrowed?.(copies, found);
  found.throwIfAny();
  if (base === undefined) throw new Error('there is no base');
  return { graph: network.graph, base };
}

function widened(config: object, copies = 2): Widening | undefined {
  const { graph, base } = narrowedBy(config, copies);
  const found = new Violations();
  const widening = widen(graph, base, copies, 'copies', found);
  found.throwIfAny();
  return widening;
}

describe('a network of copies', () => {
  it('divides what sums over copies, and of a shared table the norm before the head', () => {
    expect([...(widened(GPT2)?.divided ?? [])].sort()).toEqual([
      'transformer.h.0.attn.c_attn.weight',
      'transformer.h.0.attn.c_proj.weight',
      'transformer.h.0.mlp.c_fc.weight',
      'transformer.h.0.mlp.c_proj.weight',
      'transformer.ln_f.bias',
      'transformer.ln_f.weight',
    ]);
  });

  it('divides a head that has a weight of its own, and no norm', () => {
    const { divided } = widened({ ...GPT2, tie_word_embeddings: false }) ?? {};
    expect(divided?.has('lm_head.weight')).toBe(true);
    expect(divided?.has('transformer.ln_f.weight')).toBe(false);
  });

  it('leaves a table that projections lead from and to as wide as it is', () => {
    // Also where the base would be as wide as its table.
    for (const word_embed_proj_dim of [6, 8]) {
      const { base, divided } = widened({ ...OPT, word_embed_proj_dim }) ?? {};
      const shapes = new Map(base?.parameters.map(({ name, shape }) => [name, shape]));
      expect(shapes.get('model.decoder.embed_tokens.weight')).toEqual([50, word_embed_proj_dim]);
      expect(divided?.has('model.decoder.project_in.weight')).toBe(false);
      expect(divided?.has('model.decoder.project_out.weight')).toBe(true);
    }
    const sizes = widened({ ...OPT, word_embed_proj_dim: 16 })?.base.sizes;
    expect(sizes).toMatchObject({
      hidden_size: 8,
      word_embed_proj_dim: 8,
      ffn_dim: 16,
      num_attention_heads: 2,
    });
  });

  it('cannot be made where no norm of its own feeds a head that shares the table', () => {
    expect(violations(() => widened({ ...OPT, layer_norm_elementwise_affine: false }))).toEqual([
      {
        field: 'copies',
        description:
          'is 2; at most 1 is allowed: "lm_head.weight" is tied to "model.decoder.embed_tokens.weight", and node ' +
          '"model.decoder.layers.0.fc.sum", which it reads, is no norm of its own that could be divided in its place',
      },
    ]);
    // Read by others too.
    const { graph, base } = narrowedBy(GPT2, 2);
    const norm = graph.nodes.findIndex(({ name }) => name === 'transformer.ln_f.weight');
    const other = graph.nodes.findIndex(({ name }) => name === 'transformer.h.0.mlp.sum');
    const found = new Violations();
    const edges = [...graph.edges, { source: norm, target: other }];
    expect(widen({ ...graph, edges }, base, 2, 'copies', found)).toBeUndefined();
    expect(found.first?.field).toBe('copies');
  });

  it('has every width of its base by the configuration’s names, defaults included', () => {
    const base = (config: object, copies: number): unknown => narrowedBy(config, copies).base.sizes;
    expect(base({ model_type: 'gpt2', hidden_size: 32, n_head: 4 }, 4)).toMatchObject({
      hidden_size: 8,
      num_attention_heads: 1,
      intermediate_size: 32,
    });
    expect(base({ model_type: 'mistral' }, 8)).toMatchObject({
      hidden_size: 512,
      num_attention_heads: 4,
      num_key_value_heads: 1,
      intermediate_size: 1792,
    });
  });

  it('has a base with all that its family needs', () => {
    const vit = { model_type: 'vit', hidden_size: 4, num_attention_heads: 4, intermediate_size: 8 };
    expect(violations(() => narrowedBy(vit, 4))).toEqual([
      {
        field: 'copies',
        description: 'is 4; hidden_size is 4, of which it must be a divisor that leaves at least 2',
      },
    ]);
  });
});
