import { generationConfig } from '../../../src/client/files/generation-config';

const TOKENIZER = {
  'tokenizer.json': { added_tokens: [{ id: 7, content: '<end>', special: true }] },
  'tokenizer_config.json': { bos_token: '<end>', eos_token: { content: '<end>' }, pad_token: '<none>' },
};

function written(config: unknown, tokenizer: object = TOKENIZER): unknown {
  const files = Object.entries(tokenizer).map(([name, content]): [string, Buffer] => [name, file(content)]);
  const content = generationConfig(file(config), new Map(files));
  return content === undefined ? undefined : JSON.parse(content.toString('utf8'));
}

function file(content: unknown): Buffer {
  return Buffer.from(JSON.stringify(content));
}

describe('generation_config.json', () => {
  it("ends where the network's positions do, and at the tokenizer's own tokens", () => {
    const tokens = { bos_token_id: 7, do_sample: true, eos_token_id: 7, temperature: 0.7 };
    expect(written({ model_type: 'gpt2', n_positions: 256 })).toEqual({ ...tokens, max_length: 256 });
    expect(written({ model_type: 'llama', max_position_embeddings: 99 })).toEqual({
      ...tokens,
      max_length: 99,
    });
  });

  it('says nothing of what the configuration and the tokenizer do not', () => {
    const drawn = { do_sample: true, temperature: 0.7 };
    expect(written({ n_positions: 0 }, { 'tokenizer.json': {}, 'tokenizer_config.json': {} })).toEqual(drawn);
    expect(
      written(
        {},
        {
          'tokenizer.json': { added_tokens: [3, { content: 'a' }] },
          'tokenizer_config.json': { eos_token: 'a' },
        },
      ),
    ).toEqual(drawn);
  });

  it('reads numbers as Python writes them', () => {
    const files = Object.entries(TOKENIZER).map(([name, content]): [string, Buffer] => [name, file(content)]);
    const config = Buffer.from('{"n_positions": 256, "rope_theta": 1e4, "attention_dropout": NaN}');
    expect(generationConfig(config, new Map(files))?.toString()).toContain('"max_length": 256');
  });

  it('is not written where the tokenizer has no such files', () => {
    expect(written({}, {})).toBeUndefined();
    expect(written([])).toBeUndefined();
    expect(generationConfig(Buffer.from('{'), new Map())).toBeUndefined();
  });
});
