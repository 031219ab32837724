/** The networks that `logah check` has predicted: small ones that have every kind of tensor. */

/** A transformers configuration. */
export type NetworkConfig = Readonly<Record<string, unknown>>;

/** By family; widths lie within what the shipped models were trained on. */
export const NETWORKS: Readonly<Record<string, NetworkConfig>> = {
  vit: {
    architectures: ['ViTForImageClassification'],
    model_type: 'vit',
    hidden_size: 96,
    intermediate_size: 384,
    num_hidden_layers: 3,
    num_attention_heads: 6,
    image_size: 28,
    patch_size: 7,
    num_channels: 1,
    num_labels: 10,
    initializer_range: 0.02,
  },
  gpt2: {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_embd: 128,
    n_head: 8,
    n_inner: 512,
    n_layer: 3,
    n_positions: 256,
    vocab_size: 1024,
    bos_token_id: 0,
    eos_token_id: 0,
  },
  llama: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 3,
    num_attention_heads: 8,
    num_key_value_heads: 8,
    vocab_size: 1024,
    max_position_embeddings: 256,
  },
};
