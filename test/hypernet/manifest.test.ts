import { parseManifest } from '../../src/hypernet/manifest';
import { requiredFiles } from '../../src/hypernet/required-files';
import { hypernetJson, manifestJson } from '../support/hypernet-config';
import { refusalOf } from '../support/refusal';

const without = (key: string): Record<string, unknown> => manifestJson({ [key]: undefined });
const withHypernet = (changes: Record<string, unknown>): Record<string, unknown> =>
  manifestJson({ hypernet: hypernetJson(changes) });
const withFile = (file: unknown): Record<string, unknown> =>
  manifestJson({ files: { ...(manifestJson().files as object), 'encoder.onnx': file } });
const sha256 = 'ab'.repeat(32);

describe('a manifest', () => {
  it('keeps its fields, and all that training records', () => {
    const training = { ranges: { vit: { hidden_size: [32, 192] } }, steps: 30000, data: 'Fashion-MNIST' };
    const parsed = parseManifest(JSON.stringify(manifestJson({ training })), 'm.json');
    expect(parsed).toMatchObject({ name: 'tiny', families: ['vit'], training });
    expect(parsed.hypernet.max_shape).toEqual([64, 32, 16, 16]);
  });

  it('that is not JSON is refused by its path', async () => {
    const error = await refusalOf(() => parseManifest('{', 'models/x/manifest.json'));
    expect(error).toMatchObject({ kind: 'failed_precondition', message: 'models/x/manifest.json: not JSON' });
  });

  it.each([
    ['no version', without('version'), 'version is missing; this server reads versions 1 and 2'],
    ['a newer version', manifestJson({ version: 3 }), 'version is 3; this server reads versions 1 and 2'],
    ['a list instead of an object', [], 'version is missing; this server reads versions 1 and 2'],
    ['another format', manifestJson({ format: 'zip' }), 'format: '],
    ['no name', without('name'), 'name: '],
    ['a name that is a path', manifestJson({ name: '../x' }), 'name: '],
    ['no description', without('description'), 'description: '],
    ['no licence', without('license'), 'license: '],
    ['no files', without('files'), 'files: '],
    [
      'an expansion of another size than its model',
      manifestJson({
        files: { ...(manifestJson().files as object), 'expansion.bin': { sha256, bytes: 12 } },
      }),
      'files.expansion.bin.bytes is 12; ck 128 and rank 8 make 4608',
    ],
    ['a file without a size', withFile({ sha256 }), 'files.encoder.onnx.bytes: '],
    ['an empty file', withFile({ sha256, bytes: 0 }), 'files.encoder.onnx.bytes: '],
    ['a short hash', withFile({ sha256: 'ab', bytes: 1 }), 'files.encoder.onnx.sha256: '],
    [
      'a hash in capitals',
      withFile({ sha256: sha256.toUpperCase(), bytes: 1 }),
      'files.encoder.onnx.sha256: ',
    ],
    [
      'a file too few',
      manifestJson({ files: { 'encoder.onnx': { sha256, bytes: 1 } } }),
      'files lacks decoder.onnx, product.onnx',
    ],
    ['no hypernet', without('hypernet'), 'hypernet: '],
    ['negative parameters', manifestJson({ parameters: -1 }), 'parameters: '],
    ['families that are no list', manifestJson({ families: 'vit' }), 'families: '],
    ['training without ranges', manifestJson({ training: {} }), 'training.ranges: '],
    [
      'a range of one number',
      manifestJson({ training: { ranges: { vit: { w: [1] } } } }),
      'training.ranges.vit.w',
    ],
    ['no width', withHypernet({ hid: 0 }), 'hypernet.hid: '],
    ['a width that nothing can be made for', withHypernet({ hid: 2 ** 40 }), 'hypernet.hid: '],
    ['more layers than there can be', withHypernet({ layers: 2 ** 24 + 1 }), 'hypernet.layers: '],
    ['a rank that nothing can be made for', withHypernet({ rank: 2 ** 40 }), 'hypernet.rank: '],
    ['rows that nothing can be made for', withHypernet({ ck: 2 ** 40 }), 'hypernet.ck: '],
    ['a size of 2^40', withHypernet({ max_shape: [64, 2 ** 40, 16, 16] }), 'hypernet.max_shape.1: '],
    ['classes without end', withHypernet({ num_classes: 2 ** 40 }), 'hypernet.num_classes: '],
    ['a long description', manifestJson({ description: 'a'.repeat(4097) }), 'description: '],
    ['a long licence', manifestJson({ license: 'a'.repeat(257) }), 'license: '],
    ['half a head', withHypernet({ heads: 0.5 }), 'hypernet.heads: '],
    ['no layers', withHypernet({ layers: undefined }), 'hypernet.layers: '],
    ['a negative rank', withHypernet({ rank: -1 }), 'hypernet.rank: '],
    ['rank 0 for factors', withHypernet({ rank: 0 }), 'hypernet.rank: is 0; low_rank needs at least 1'],
    [
      'too few rows for a vector',
      withHypernet({ ck: 127 }),
      'hypernet.ck: is 127; low_rank with max_shape 64, 32 needs at least 128',
    ],
    [
      'too few rows for a matrix',
      withHypernet({ ck: 63, decoder: 'aligned' }),
      'hypernet.ck: is 63; aligned with max_shape 64, 32 needs at least 64',
    ],
    ['three sizes', withHypernet({ max_shape: [1, 2, 3] }), 'hypernet.max_shape'],
    ['a size of 0', withHypernet({ max_shape: [64, 32, 0, 16] }), 'hypernet.max_shape.2: '],
    ['no classes', withHypernet({ num_classes: 0 }), 'hypernet.num_classes: '],
    ['an unknown decoder', withHypernet({ decoder: 'magic' }), 'hypernet.decoder: '],
    ['an unknown normalisation', withHypernet({ normalization: 'fan_out' }), 'hypernet.normalization: '],
    [
      'a standard deviation of no factors',
      withHypernet({ decoder: 'dense', normalization: 'std' }),
      'hypernet.normalization: is std; a dense decoder has no factors to measure, so only fan_in is allowed',
    ],
    ['no operations', withHypernet({ operations: [] }), 'hypernet.operations: '],
    ['no cutoff', withHypernet({ cutoff: 0 }), 'hypernet.cutoff: '],
    ['an unknown scale of embeddings', withHypernet({ embedding_scale: 2 }), 'hypernet.embedding_scale: '],
    [
      'a tokenizer of other files',
      manifestJson({ tokenizer: { vocab_size: 9, files: ['vocab.txt'] } }),
      'tokenizer.files.0: ',
    ],
    [
      'a tokenizer that is not among the files',
      manifestJson({ tokenizer: { vocab_size: 9, files: ['tokenizer.json'] } }),
      'files lacks tokenizer.json',
    ],
    ['no slots', withHypernet({ slots: 0 }), 'hypernet.slots: '],
  ] as [string, unknown, string][])('with %s is refused, naming the field', async (_, json, fault) => {
    const error = await refusalOf(() => parseManifest(JSON.stringify(json), 'm.json'));
    expect(error.kind).toBe('failed_precondition');
    expect(error.message).toContain(`m.json: ${fault}`);
  });

  it('of version 2 has the expansion that makes factors of its cores', async () => {
    const json = manifestJson({ version: 2 });
    const error = await refusalOf(() => parseManifest(JSON.stringify(json), 'm.json'));
    expect(error.message).toBe('m.json: files lacks expansion.bin');
  });

  it('of version 2 counts distances in bytes', async () => {
    const files = { ...(manifestJson().files as object), 'expansion.bin': { sha256, bytes: 128 * 9 * 4 } };
    const withCutoff = (cutoff: number): string =>
      JSON.stringify(manifestJson({ version: 2, files, hypernet: hypernetJson({ cutoff }) }));
    expect(parseManifest(withCutoff(255), 'm.json').version).toBe(2);
    const error = await refusalOf(() => parseManifest(withCutoff(256), 'm.json'));
    expect(error.message).toBe('m.json: hypernet.cutoff is 256; at most 255 is allowed');
  });

  it('of a dense decoder has no rank, and other files', () => {
    const names = requiredFiles({ version: 1, hypernet: { decoder: 'dense' } });
    const files = Object.fromEntries(names.map((name) => [name, { sha256, bytes: 1 }]));
    const json = manifestJson({ files, hypernet: hypernetJson({ decoder: 'dense', rank: 0, ck: 0 }) });
    expect(parseManifest(JSON.stringify(json), 'm.json').hypernet.decoder).toBe('dense');
  });
});
