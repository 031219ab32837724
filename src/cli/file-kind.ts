/** What a file is by its first bytes, for those who name the wrong one. */

/** Bytes that are enough to know it by. */
export const HEAD_BYTES = 512;

type Test = (head: Buffer, text: string) => boolean;

const begins =
  (magic: string | readonly number[]): Test =>
  (head) => {
    const bytes = typeof magic === 'string' ? Buffer.from(magic, 'latin1') : Buffer.from(magic);
    return head.subarray(0, bytes.length).equals(bytes);
  };

const KINDS: readonly (readonly [what: string, test: Test])[] = [
  ['empty', (head) => head.length === 0],
  [
    'a Git LFS pointer, which stands for the file; `git lfs pull` fetches the file itself',
    begins('version https://git-lfs.github.com/spec/'),
  ],
  ['a web page, not what it links to', (_, text) => /^\s*<(!doctype html|html)/i.test(text)],
  ['a safetensors file, which holds weights; the config.json beside it has the architecture', isSafetensors],
  [
    'a ZIP archive, such as a PyTorch checkpoint, which holds weights; the config.json beside it has the architecture',
    begins('PK\x03\x04'),
  ],
  [
    'a pickle, which holds weights or code; the config.json beside it has the architecture',
    begins([0x80, 0x02]),
  ],
  [
    'a GGUF file, which holds weights; the config.json of the original model has the architecture',
    begins('GGUF'),
  ],
  ['an HDF5 file; export the model as ONNX', begins('\x89HDF')],
  ['compressed (gzip); decompress it first', begins([0x1f, 0x8b])],
  [
    'text in UTF-16; expected UTF-8',
    (head) => begins([0xff, 0xfe])(head, '') || begins([0xfe, 0xff])(head, ''),
  ],
];

/** What the file is, to follow "PATH is "; undefined: perhaps what it should be. */
export function wrongKind(head: Buffer): string | undefined {
  const text = head.toString('latin1');
  return KINDS.find(([, test]) => test(head, text))?.[0];
}

/** The version of the format, field 1 of an ONNX file, comes first in those that tools write. */
export function looksLikeOnnx(head: Buffer): boolean {
  const [field, version = 0] = head;
  return field === 0x08 && version > 0 && version < 64;
}

/** Eight bytes of length, then JSON. */
function isSafetensors(head: Buffer): boolean {
  return head.length > 8 && head[8] === 0x7b && head.readBigUInt64LE() < 100_000_000n;
}
