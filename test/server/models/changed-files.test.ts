/** Files of a model that change on disk while it is served: what is sent is what was loaded, or nothing. */

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { Manifest } from '../../../src/hypernet/manifest';
import { describeFailure } from '../../support/refused-call';
import { startServer, type ServerProcess } from '../../support/server-process';

const BUNDLE = join(__dirname, '..', '..', 'fixtures', 'language', 'bundle');
const TOKENIZER = '{"model":{}}';
const TOKENIZER_FILE = 'tokenizer.json';
const EXPANSION_FILE = 'expansion.bin';

let models: string;
let model: string;
let expansionSha256: string;
let expansion: Buffer;
let server: ServerProcess;

beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), 'logah-changed-files-'));
  await cp(BUNDLE, models, { recursive: true });
  const path = join(models, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  const sha256 = createHash('sha256').update(TOKENIZER).digest('hex');
  const files = { ...manifest.files, [TOKENIZER_FILE]: { sha256, bytes: TOKENIZER.length } };
  const tokenizer = { vocab_size: 40, files: [TOKENIZER_FILE] };
  await writeFile(join(models, TOKENIZER_FILE), TOKENIZER);
  await writeFile(path, JSON.stringify({ ...manifest, files, tokenizer }));
  model = manifest.name;
  expansionSha256 = manifest.files[EXPANSION_FILE]?.sha256 ?? '';
  expansion = await readFile(join(models, EXPANSION_FILE));
  server = await startServer({ models, flags: ['--models-poll-seconds', '0'] });
});

afterEach(async () => {
  await server.stop();
  await rm(models, { recursive: true });
});

/** What came of a stream or a call, and how it failed. */
interface Answer {
  readonly data: string;
  readonly failure?: ReturnType<typeof describeFailure>;
}

function readExpansion(): Promise<Answer> {
  const call = server.stub.GetExpansion({ model, sha256: expansionSha256 });
  const parts: Buffer[] = [];
  return new Promise((resolve) => {
    const data = (): string => Buffer.concat(parts).toString('hex');
    call.on('data', (message: { data: Buffer }) => parts.push(message.data));
    call.on('end', () => {
      resolve({ data: data() });
    });
    call.on('error', (error: ServiceError) => {
      resolve({ data: data(), failure: describeFailure(error) });
    });
  });
}

function readTokenizer(): Promise<Answer> {
  return new Promise((resolve) => {
    server.stub.GetTokenizer({ model }, (error, answer) => {
      const data = answer?.files.map((file) => file.data.toString()).join() ?? '';
      resolve({ data, ...(error && { failure: describeFailure(error) }) });
    });
  });
}

/** One other bit, a longer file, one cut short, an empty one, and none. */
const CHANGES: readonly ((path: string, content: Buffer) => Promise<void>)[] = [
  (path, content) => {
    const changed = Buffer.from(content);
    changed[content.length - 1] = (changed[content.length - 1] ?? 0) ^ 1;
    return writeFile(path, changed);
  },
  (path, content) => writeFile(path, Buffer.concat([content, content])),
  (path, content) => truncate(path, content.length - 1),
  (path) => truncate(path, 0),
  (path) => rm(path),
];

const REFUSED = {
  data: '',
  failure: {
    code: status.FAILED_PRECONDITION,
    reason: 'FAILED_PRECONDITION',
    message: "this file of the model is no longer on the server's disk as it was when the model was loaded",
  },
};

test.each([
  ['tokenizer', TOKENIZER_FILE, readTokenizer, (): string => TOKENIZER],
  ['expansion', EXPANSION_FILE, readExpansion, (): string => expansion.toString('hex')],
] as const)(
  'the %s is refused without a byte of it while another lies in its place, and is sent again once it is back',
  async (_, name, read, whole) => {
    expect(await read()).toEqual({ data: whole() });
    const path = join(models, name);
    const content = await readFile(path);
    for (const change of CHANGES) {
      await change(path, content);
      expect(await read()).toMatchObject(REFUSED);
      await writeFile(path, content);
    }
    expect(await read()).toEqual({ data: whole() });
  },
);
