import { fromConfig } from './requests';

const notesOf = (config: object): readonly string[] => fromConfig(config).notes ?? [];

const LLAMA = { model_type: 'llama', intermediate_size: 64, num_hidden_layers: 1, vocab_size: 40 };

const note = (given: string, meant: string, family = 'llama'): string =>
  `architecture.transformers_config.${given} is no field of "${family}" and is ignored; did you mean ${meant}?`;

describe('a field that the class does not have', () => {
  test.each([
    ['hiden_size', 'hidden_size'],
    ['hidden_szie', 'hidden_size'],
    ['hiddenSize', 'hidden_size'],
    ['num_attention_head', 'num_attention_heads'],
    ['rms_norm_epss', 'rms_norm_eps'],
  ])('is noted where it is close to one that is not given: %s', (given, meant) => {
    expect(notesOf({ ...LLAMA, [given]: 64 })).toEqual([note(given, meant)]);
  });

  it('may be close to another name of one', () => {
    expect(notesOf({ model_type: 'gpt2', n_layers: 1, n_embd: 8, n_head: 2 })).toEqual([
      note('n_layers', 'n_layer', 'gpt2'),
    ]);
    expect(notesOf({ model_type: 'gpt2', num_hiden_layers: 1, n_embd: 8, n_head: 2 })).toEqual([
      note('num_hiden_layers', 'num_hidden_layers', 'gpt2'),
    ]);
  });

  it('is quoted where its name is no word', () => {
    expect(notesOf({ ...LLAMA, 'hidden\nsize': 64 })).toEqual([note('"hidden\\nsize"', 'hidden_size')]);
  });

  it('is not noted where the field that it is close to is given, under any of its names', () => {
    expect(notesOf({ ...LLAMA, hidden_size: 64, hiden_size: 64 })).toEqual([]);
    expect(notesOf({ model_type: 'gpt2', num_hidden_layers: 1, n_layers: 1, n_embd: 8, n_head: 2 })).toEqual(
      [],
    );
  });

  it('is not noted where it is close to none, is read, or is bookkeeping of transformers', () => {
    expect(
      notesOf({
        ...LLAMA,
        my_own: 1,
        num_layers: 2,
        num_labels: 3,
        torch_dtype: 'float32',
        dtype: 'float32',
        transformers_version: '5.0.0',
        _name_or_path: 'x',
        auto_map: {},
        task_specific_params: {},
        sep_token_id: 1,
        rope_theta: 1e4,
        out_features: null,
      }),
    ).toEqual([]);
  });

  it('is listed with at most 19 others', () => {
    const fields = Array.from({ length: 5000 }, (_, index) => [
      `hidden_size${'_'.repeat(index % 50)}${index % 100}`,
      64,
    ]);
    expect(notesOf({ ...LLAMA, ...(Object.fromEntries(fields) as object) })).toHaveLength(20);
  });
});
