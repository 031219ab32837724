import { architectureGraph } from '../../src/architecture';
import { families } from '../../src/architecture/transformers/families';
import { graphSize } from '../../src/graph/limits';
import { fromConfig, generousLimits, refusal, violations } from './requests';

const FIELD = 'architecture.transformers_config';
const ANY_CLASS = 'a module of any other is traced by the Python client (initialize), or exported to ONNX';

function fromText(text: string | Uint8Array): readonly unknown[] {
  return violations(() => architectureGraph({ transformersConfig: Buffer.from(text) }, generousLimits));
}

/** Families whose layers are counted by stage. */
const STAGED = ['convnext', 'resnet', 'swin'];

/** Each with a configuration of its own. */
const TWO_TOWERS = ['clip', 'siglip'];

function ofLayers(modelType: string, layers: number): object {
  const depth = STAGED.includes(modelType) ? { depths: [layers, 1, 1, 1] } : { num_hidden_layers: layers };
  const towers = { vision_config: depth, text_config: depth };
  return { model_type: modelType, ...(TWO_TOWERS.includes(modelType) ? towers : depth) };
}

/** "field: description" of each violation, without the common prefix. */
function found(config: unknown): string[] {
  return violations(() => fromConfig(config)).map(
    ({ field, description }) => `${field.replace(`${FIELD}.`, '')}: ${description}`,
  );
}

describe('what is not a configuration', () => {
  test.each([
    ['', 'is not JSON: Unexpected end of JSON input'],
    ['{"a": 1,}', 'is not JSON: '],
    ['[]', 'must be a JSON object, not []'],
    ['null', 'must be a JSON object, not null'],
    ['"vit"', 'must be a JSON object, not "vit"'],
  ])('%j is refused', (text, description) => {
    expect(fromText(text)).toEqual([
      { field: FIELD, description: expect.stringContaining(description) as string },
    ]);
  });

  test('bytes that are not UTF-8 are refused', () => {
    expect(fromText(Uint8Array.of(0x7b, 0xff, 0x7d))).toEqual([
      { field: FIELD, description: 'is not UTF-8' },
    ]);
  });

  test('more than 1 MiB is refused with both numbers', () => {
    expect(fromText(' '.repeat(1_048_577))).toEqual([
      { field: FIELD, description: 'has 1048577 bytes; at most 1048576 (1 MiB) are allowed' },
    ]);
  });

  test('a million nested lists are refused like any other', () => {
    expect(fromText('['.repeat(400_000) + ']'.repeat(400_000))).toHaveLength(1);
    const nested = '['.repeat(400_000) + ']'.repeat(400_000);
    expect(fromText(`{"model_type": "vit", "hidden_size": ${nested}}`)).toHaveLength(1);
  });

  test('neither a graph nor a configuration is refused', () => {
    const expected = [
      { field: 'architecture', description: 'is missing; graph, transformers_config or onnx must be set' },
    ];
    expect(violations(() => architectureGraph({}, generousLimits))).toEqual(expected);
    expect(violations(() => architectureGraph(null, generousLimits))).toEqual(expected);
  });
});

describe('model_type', () => {
  const SUPPORTED = `supported are ${families.map(({ modelType }) => modelType).join(', ')}`;

  test.each([undefined, null, 3, ''])('%p is refused with those supported', (modelType) => {
    expect(found({ model_type: modelType })).toEqual([
      expect.stringMatching(new RegExp(`^model_type: must name .*; ${SUPPORTED}$`)),
    ]);
  });

  test('of an unknown kind is not found, with those supported', () => {
    const error = refusal(() => fromConfig({ model_type: 'mamba' }));
    expect(error.kind).toBe('not_found');
    const description = `no front-end reads "mamba"; ${SUPPORTED}; ${ANY_CLASS}`;
    expect(error.violations).toEqual([{ field: `${FIELD}.model_type`, description }]);
  });
});

describe('architectures', () => {
  test.each([
    ['distilbert', 'DistilBertForCausalLM'],
    ['gpt2', 'GPT2ForMultipleChoice'],
    ['llama', 'LlamaForMaskedLM'],
    ['deit', 'ViTModel'],
    ['bert', 'BertForTokenEmbedding'],
  ])(
    'of %s with another head are refused with the classes supported, and what reads any',
    (modelType, other) => {
      const family = families.find((candidate) => candidate.modelType === modelType);
      const supported = family?.heads.map(({ architecture }) => architecture).join(', ') ?? '';
      expect(found({ model_type: modelType, architectures: [other] })).toEqual([
        `architectures: is ["${other}"]; supported for "${modelType}": ${supported}; ${ANY_CLASS}`,
      ]);
    },
  );

  test('choose among the classes of a model type: the first that is known, or else the default', () => {
    const named = (architectures: unknown): string => fromConfig({ model_type: 'bert', architectures }).name;
    expect(named(['BertForSequenceClassification'])).toBe('BertForSequenceClassification');
    expect(named(['BertModel', 'BertForMaskedLM'])).toBe('BertModel');
    expect(named(['OwnBert', 'BertForMaskedLM', 'BertModel'])).toBe('BertForMaskedLM');
    expect(named([])).toBe('BertForMaskedLM');
  });

  test('may be absent, null or empty', () => {
    for (const architectures of [undefined, null, []]) {
      expect(fromConfig({ model_type: 'vit', architectures }).family).toBe('vit');
    }
  });

  test('must be a list', () => {
    expect(found({ model_type: 'vit', architectures: 'ViTModel' })).toEqual([
      'architectures: must be a list of class names, not "ViTModel"',
    ]);
  });
});

test('what makes other parameters of a configuration is refused of any family', () => {
  const quantization_config = { quant_method: 'gptq', bits: 4 };
  for (const { modelType } of families) {
    const config = ofLayers(modelType, 1);
    expect(found({ ...config, quantization_config })).toEqual([
      'quantization_config: must be absent, not an object: parameters in packed form are not supported',
    ]);
    for (const nothing of [null, {}]) {
      expect(fromConfig({ ...config, quantization_config: nothing }).family).toBe(modelType);
    }
  }
});

describe('sizes', () => {
  const encoderSizes = ['hidden_size', 'intermediate_size', 'vocab_size', 'type_vocab_size'];
  const gatedSizes = [
    'hidden_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'head_dim',
    'intermediate_size',
    'vocab_size',
    'max_position_embeddings',
  ];
  const sizes = {
    vit: ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'num_channels'],
    deit: ['hidden_size', 'intermediate_size', 'num_channels'],
    gpt2: ['n_embd', 'hidden_size', 'n_layer', 'n_head', 'n_inner', 'vocab_size', 'n_positions'],
    llama: gatedSizes,
    bert: encoderSizes,
    mistral: gatedSizes,
    opt: ['hidden_size', 'ffn_dim', 'vocab_size', 'max_position_embeddings', 'word_embed_proj_dim'],
    qwen2: gatedSizes,
    roberta: encoderSizes,
  };
  const fields = Object.entries(sizes).flatMap(([modelType, names]) =>
    names.map((name) => [modelType, name]),
  );

  test.each(fields)('%s %s must be an integer of at least 1', (modelType, name) => {
    for (const value of [0, -3, 2.5, '768', true, [], {}, 2 ** 31]) {
      expect(found({ model_type: modelType, [name]: value })).toEqual([
        expect.stringMatching(new RegExp(`^${name}: must be an integer from [12] to 2147483647, not `)),
      ]);
    }
  });

  test('beyond what JSON can write are refused', () => {
    expect(fromText('{"model_type": "gpt2", "n_embd": 1e400}')).toEqual([
      { field: `${FIELD}.n_embd`, description: 'must be an integer from 1 to 2147483647, not Infinity' },
    ]);
  });

  test('wrong in several places are all reported', () => {
    const config = {
      model_type: 'vit',
      hidden_size: 0,
      num_hidden_layers: '12',
      qkv_bias: 1,
      initializer_range: -1,
    };
    expect(found(config).map((line) => line.split(':')[0])).toEqual([
      'hidden_size',
      'num_hidden_layers',
      'qkv_bias',
      'initializer_range',
    ]);
  });

  test('that the heads do not divide are refused by the names that came', () => {
    expect(found({ model_type: 'vit', hidden_size: 100 })).toEqual([
      'hidden_size: is 100, which 12 num_attention_heads do not divide',
    ]);
    expect(found({ model_type: 'gpt2', n_embd: 100, num_attention_heads: 7 })).toEqual([
      'n_embd: is 100, which 7 num_attention_heads do not divide',
    ]);
  });
});

describe('a ViT', () => {
  const vit = { model_type: 'vit', num_hidden_layers: 1 };

  test.each([
    [{ image_size: 8 }, 'patch_size: 16 x 16 is larger than image_size 8 x 8'],
    [{ image_size: [64, 8] }, 'patch_size: 16 x 16 is larger than image_size 64 x 8'],
    [{ image_size: 16 }, 'patch_size: makes a single patch of the image; at least 2 are needed'],
    [
      { image_size: [32] },
      'image_size: must be an integer from 1 to 2147483647, or [height, width] of such, not [32]',
    ],
    [{ patch_size: [4, 0] }, 'patch_size: must be an integer from 1 to 2147483647, or [height, width]'],
    [{ head_dim: 32 }, 'head_dim: must be hidden_size / num_attention_heads = 64 or absent'],
    [{ id2label: ['a'] }, 'id2label: must be an object with an entry for each class'],
    [{ id2label: { cat: 'a' } }, 'id2label: has a key that is not an integer: "cat"'],
    [{ per_layer_config: { 0: {} } }, 'per_layer_config: must be absent, not an object: layers that differ'],
  ])('with %j is refused', (changes, expected) => {
    expect(found({ ...vit, ...changes })).toEqual([expect.stringContaining(expected)]);
  });

  test('counts its classes by num_labels, by id2label, or as 2', () => {
    const id2label = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [index, `class ${index}`]));
    expect(fromConfig({ ...vit, id2label }).sizes.num_labels).toBe(5);
    expect(fromConfig({ ...vit, num_labels: 7 }).sizes.num_labels).toBe(7);
    expect(fromConfig({ ...vit, num_labels: 7, id2label }).sizes.num_labels).toBe(7);
    expect(fromConfig(vit).sizes.num_labels).toBe(2);
  });

  test('tells its sizes by the configuration’s names', () => {
    expect(fromConfig({ ...vit, image_size: [32, 64], patch_size: 8 }).sizes).toEqual({
      hidden_size: 768,
      num_hidden_layers: 1,
      num_attention_heads: 12,
      intermediate_size: 3072,
      image_size: 64,
      patch_size: 8,
      num_channels: 3,
      num_labels: 2,
    });
  });
});

describe('a GPT-2', () => {
  test('with cross-attention is refused', () => {
    expect(found({ model_type: 'gpt2', add_cross_attention: true })).toEqual([
      'add_cross_attention: must be false, not true: cross-attention layers are not supported',
    ]);
  });

  test('whose aliases contradict each other is refused', () => {
    expect(found({ model_type: 'gpt2', n_embd: 768, hidden_size: 1024 })).toEqual([
      'n_embd: is 768, but hidden_size, another name for it, is 1024',
    ]);
  });

  test('tells its sizes by the canonical names', () => {
    expect(fromConfig({ model_type: 'gpt2', n_layer: 1, n_inner: 100 }).sizes).toEqual({
      hidden_size: 768,
      num_hidden_layers: 1,
      num_attention_heads: 12,
      intermediate_size: 100,
      vocab_size: 50257,
      max_position_embeddings: 1024,
    });
  });
});

describe.each(['llama', 'mistral', 'qwen2'])('a %s', (modelType) => {
  const config = { model_type: modelType, num_hidden_layers: 1 };

  test.each([
    [{ hidden_size: 100 }, 'hidden_size: is 100, which 32 num_attention_heads do not divide'],
    [
      { hidden_size: 96 },
      'hidden_size: is 96, which makes heads of size 3; rotary embeddings need an even one',
    ],
    [{ head_dim: 5 }, 'head_dim: is 5; rotary embeddings need an even one'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads: is 3, which does not divide 32 num_attention_heads'],
    [{ tie_word_embeddings: 'no' }, 'tie_word_embeddings: must be true or false, not "no"'],
  ])('with %j is refused', (changes, expected) => {
    expect(found({ ...config, ...changes })).toEqual([expected]);
  });

  test('has as many keys as queries where the configuration says null, if transformers allows it', () => {
    const without = { ...config, num_key_value_heads: null };
    if (modelType === 'mistral') {
      expect(found(without)).toEqual([
        'num_key_value_heads: must be an integer from 1 to 2147483647, not null: transformers does not build it',
      ]);
    } else {
      expect(fromConfig(without).sizes.num_key_value_heads).toBe(32);
    }
  });

  test('is the same network with any scaling of its rotary embeddings', () => {
    const scaled = { ...config, rope_scaling: { rope_type: 'yarn', factor: 4 }, rope_theta: 1e6 };
    expect(fromConfig(scaled)).toEqual(fromConfig(config));
  });
});

test('a Llama’s heads must divide its width even where their size is given, a Mistral’s need not', () => {
  const config = { hidden_size: 100, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 16 };
  expect(found({ model_type: 'llama', ...config })).toEqual([
    'hidden_size: is 100, which 8 num_attention_heads do not divide',
  ]);
  expect(fromConfig({ model_type: 'mistral', ...config }).sizes.hidden_size).toBe(100);
});

test('a default that does not fit is named as one', () => {
  expect(found({ model_type: 'mistral', num_attention_heads: 4 })).toEqual([
    'num_key_value_heads: is 8 (the default), which does not divide 4 num_attention_heads',
  ]);
});

describe.each(['bert', 'roberta'])('a %s', (modelType) => {
  test.each([
    [{ hidden_size: 100 }, 'hidden_size: is 100, which 12 num_attention_heads do not divide'],
    [
      { add_cross_attention: true },
      'add_cross_attention: must be false, not true: cross-attention layers are not supported',
    ],
    [
      { position_embedding_type: 'relative_key' },
      'position_embedding_type: must be "absolute", not "relative_key": tables of relative positions are not supported',
    ],
  ])('with %j is refused', (changes, expected) => {
    expect(found({ model_type: modelType, ...changes })).toEqual([expected]);
  });

  test('counts classes only where it classifies', () => {
    const [, classifier] = (families.find((family) => family.modelType === modelType)?.heads ?? []).map(
      ({ architecture }) => architecture,
    );
    const config = { model_type: modelType, num_hidden_layers: 1, num_labels: 'five' };
    expect(fromConfig(config).sizes).not.toHaveProperty('num_labels');
    expect(found({ ...config, architectures: [classifier] })).toEqual([
      'num_labels: must be an integer from 1 to 2147483647, not "five"',
    ]);
    expect(fromConfig({ ...config, architectures: [classifier], num_labels: 5 }).sizes.num_labels).toBe(5);
  });
});

test('an OPT calls the standard deviation of its initial weights init_std', () => {
  const config = { model_type: 'opt', num_hidden_layers: 1, initializer_range: 0.1 };
  expect(fromConfig(config).initializerRange).toBe(0.02);
  expect(fromConfig({ ...config, init_std: 0.006 }).initializerRange).toBe(0.006);
  expect(found({ ...config, init_std: -1 })).toEqual(['init_std: must be a number of at least 0, not -1']);
});

test('an OPT’s token table is as wide as the network where the configuration does not say', () => {
  const config = { model_type: 'opt', num_hidden_layers: 1, hidden_size: 1024, num_attention_heads: 16 };
  expect(fromConfig(config).sizes.word_embed_proj_dim).toBe(1024);
  expect(fromConfig({ ...config, word_embed_proj_dim: 512 }).sizes.word_embed_proj_dim).toBe(512);
  expect(found({ ...config, num_attention_heads: 5 })).toEqual([
    'hidden_size: is 1024, which 5 num_attention_heads do not divide',
  ]);
});

test('fields of a configuration within another are read as strictly, and named with their place', () => {
  const vision_config = { hidden_size: 10, num_attention_heads: 3, attention_dropout: [3] };
  expect(found({ model_type: 'clip', text_config: { vocab_size: '7' }, vision_config })).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^text_config\.vocab_size: must be an integer/),
      expect.stringMatching(/^vision_config\.hidden_size: is 10, which 3 num_attention_heads do not divide/),
      expect.stringMatching(/^vision_config\.attention_dropout: must be /),
    ]) as string[],
  );
});

test('what an old CLIP file says twice counts as its text_config_dict says, defaults and all', () => {
  const text_config_dict = { hidden_size: 32, num_attention_heads: 2, num_hidden_layers: 1 };
  const { parameters } = fromConfig({
    ...{ model_type: 'clip', vision_config: { num_hidden_layers: 1 }, text_config_dict },
    text_config: { hidden_size: 64, vocab_size: 7 },
  });
  const table = parameters.find(({ name }) => name === 'text_model.embeddings.token_embedding.weight');
  expect(table?.shape).toEqual([49408, 32]);
});

describe('limits', () => {
  test('are those of the server, by the names of its settings', () => {
    const limits = { maxNodes: 100, maxParameters: 50e6 };
    const messages = violations(() => fromConfig({ model_type: 'vit', num_labels: 1000 }, limits));
    expect(messages.map(({ description }) => description)).toEqual([
      'has 212 nodes; this server allows 100 (--max-nodes)',
      'has 86,567,656 parameters; this server allows 50,000,000 (--max-parameters)',
    ]);
  });

  test.each(families.map(({ modelType }) => modelType))(
    'refuse a %s of 2^31 - 1 layers at once',
    (modelType) => {
      const start = performance.now();
      expect(() => fromConfig(ofLayers(modelType, 2 ** 31 - 1))).toThrow('--max-nodes');
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );

  test.each(families.map(({ modelType }) => modelType))('count a %s of any depth exactly', (modelType) => {
    for (const layers of [1, 2, 5]) {
      const config = ofLayers(modelType, layers);
      const { nodes, elements } = graphSize(fromConfig(config));
      expect(() => fromConfig(config, { maxNodes: nodes, maxParameters: elements })).not.toThrow();
      expect(() => fromConfig(config, { maxNodes: nodes - 1, maxParameters: elements - 1 })).toThrow(
        new RegExp(`has ${nodes} nodes.*has ${elements.toLocaleString('en-US')} parameters`),
      );
    }
  });
});
