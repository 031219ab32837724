/** Which weights write to the residual stream, found from the edges alone. */

import { readNetwork } from '../../src/architecture';
import { residualWriters } from '../../src/graph/residual-writers';
import { generousLimits } from '../architecture/requests';

/** Names of the writers, with their layers. */
function writersOf(config: object): Record<string, number> {
  const transformersConfig = Buffer.from(JSON.stringify(config));
  const { graph } = readNetwork({ transformersConfig }, generousLimits);
  const { writers, layers } = residualWriters(graph);
  return Object.fromEntries(
    [...writers].map((node) => [graph.nodes[node]?.name ?? '', layers.get(node) ?? -1]),
  );
}

describe('what writes to the residual stream', () => {
  it('is the projection of attention and of the MLP in every layer of a GPT-2, and no embedding', () => {
    const config = { model_type: 'gpt2', n_embd: 16, n_layer: 2, n_head: 2, vocab_size: 32, n_positions: 8 };
    expect(writersOf(config)).toEqual({
      'transformer.h.0.attn.c_proj.weight': 0,
      'transformer.h.0.mlp.c_proj.weight': 0,
      'transformer.h.1.attn.c_proj.weight': 1,
      'transformer.h.1.mlp.c_proj.weight': 1,
    });
  });

  it('is the output and the down projection in every layer of a Llama', () => {
    const config = {
      model_type: 'llama',
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      vocab_size: 32,
    };
    expect(writersOf(config)).toEqual({
      'model.layers.0.self_attn.o_proj.weight': 0,
      'model.layers.0.mlp.down_proj.weight': 0,
      'model.layers.1.self_attn.o_proj.weight': 1,
      'model.layers.1.mlp.down_proj.weight': 1,
    });
  });

  it('is what each of two parallel branches ends with', () => {
    const config = {
      model_type: 'gpt_neox',
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      vocab_size: 32,
      use_parallel_residual: true,
    };
    expect(Object.keys(writersOf(config))).toEqual([
      'gpt_neox.layers.0.attention.dense.weight',
      'gpt_neox.layers.0.mlp.dense_4h_to_h.weight',
      'gpt_neox.layers.1.attention.dense.weight',
      'gpt_neox.layers.1.mlp.dense_4h_to_h.weight',
    ]);
  });
});
