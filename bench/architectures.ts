/** The networks of the benchmark, as the transformers configurations of their published sizes. */

/** One network. */
export interface Architecture {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

function vit(name: string, width: number, layers: number, heads: number): Architecture {
  return {
    name,
    config: {
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      hidden_size: width,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      intermediate_size: 4 * width,
      image_size: 224,
      patch_size: 16,
      num_labels: 1000,
    },
  };
}

function gpt2(name: string, width: number, layers: number, heads: number): Architecture {
  return {
    name,
    config: {
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      n_embd: width,
      n_layer: layers,
      n_head: heads,
      n_positions: 1024,
      vocab_size: 50257,
    },
  };
}

function llama(name: string, sizes: Readonly<Record<string, number>>): Architecture {
  const architectures = ['LlamaForCausalLM'];
  return { name, config: { model_type: 'llama', architectures, ...sizes, tie_word_embeddings: false } };
}

export const VIT_TINY = vit('ViT-Tiny', 192, 12, 3);
export const VIT_BASE = vit('ViT-Base', 768, 12, 12);
export const GPT2_LARGE = gpt2('GPT-2-Large', 1280, 36, 20);
export const GPT2_XL = gpt2('GPT-2-XL', 1600, 48, 25);
export const LLAMA_7B = llama('Llama-7B', {
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 2048,
  vocab_size: 32000,
});
export const LLAMA_405B = llama('Llama-3.1-405B', {
  hidden_size: 16384,
  intermediate_size: 53248,
  num_hidden_layers: 126,
  num_attention_heads: 128,
  num_key_value_heads: 8,
  max_position_embeddings: 131072,
  vocab_size: 128256,
});
/** As narrow as it is deep: what it costs is the encoder, which looks at all pairs of nodes. */
export const MANY_NODES = llama('a Llama of 8,192 nodes', {
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 545,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  vocab_size: 1000,
});

/** From the smallest to the largest. */
export const GROWTH: readonly Architecture[] = [
  VIT_TINY,
  VIT_BASE,
  gpt2('GPT-2', 768, 12, 12),
  vit('ViT-Large', 1024, 24, 16),
  gpt2('GPT-2-Medium', 1024, 24, 16),
  GPT2_LARGE,
  GPT2_XL,
  LLAMA_7B,
];

/**
 * The same network but for the number of positions or classes, which the server has not met: `variant` counts from 1.
 * It has so many bytes more that no measurement notices.
 */
export function variantOf({ name, config }: Architecture, variant: number): Architecture {
  const field = ['n_positions', 'num_labels'].find((key) => key in config);
  if (field === undefined) throw new Error(`${name} has no variants`);
  return { name, config: { ...config, [field]: Number(config[field]) + variant } };
}

/** The bytes of its config.json. */
export function configBytes({ config }: Architecture): Buffer {
  return Buffer.from(JSON.stringify(config));
}
