import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInputFile } from '../../src/cli/input-file';
import { MAIN, runCli } from './run-cli';

const CONFIG = Buffer.from('{"model_type": "vit"}');
const FIXTURES = join(__dirname, '..', 'fixtures');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-input-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function file(name: string, content: Buffer | string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe('an input file', () => {
  it('may be a directory that holds a config.json', async () => {
    const model = join(directory, 'model');
    await mkdir(model);
    await expect(readInputFile(model)).rejects.toThrow(`${model} is a directory without a config.json`);
    await writeFile(join(model, 'config.json'), CONFIG);
    const { path, config } = await readInputFile(model);
    expect({ path, config }).toEqual({ path: join(model, 'config.json'), config: CONFIG });
  });

  it('may begin with a byte order mark, which is neither sent nor kept', async () => {
    const marked = await file('marked.json', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), CONFIG]));
    const { architecture, config } = await readInputFile(marked);
    expect(config).toEqual(CONFIG);
    expect(architecture).toEqual({ transformersConfig: CONFIG });
  });

  it('may be an ONNX file of another name', async () => {
    const path = join(directory, 'network.model');
    await copyFile(join(FIXTURES, 'onnx', 'resnet50.onnx'), path);
    expect((await readInputFile(path)).architecture).toHaveProperty('onnx');
  });

  it.each(['graph', 'plan'])(
    'may hold numbers as Python writes them, which logah %s has the server judge',
    async (command) => {
      const { code, stderr } = await runCli(
        command,
        await file('nan.json', '{"model_type": "llama", "hidden_size": NaN, "rope_theta": -Infinity}'),
      );
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining(
          'architecture.transformers_config.hidden_size: must be an integer from 1 to 2147483647, not NaN\n',
        ) as unknown,
      });
    },
  );

  it('that is no JSON is told where it is not', async () => {
    const path = await file('comma.json', '{"model_type": "vit",}');
    await expect(readInputFile(path)).rejects.toThrow(
      `${path} is not JSON: Unexpected "}" in line 1, column 22`,
    );
  });

  it.each([
    ['empty', '', 'is empty'],
    [
      'a pointer of Git LFS',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
      'is a Git LFS pointer',
    ],
    ['a web page', '\n<!DOCTYPE html>\n<html></html>', 'is a web page'],
    ['a safetensors file', '\x02\0\0\0\0\0\0\0{}', 'is a safetensors file, which holds weights'],
    ['a checkpoint of PyTorch', 'PK\x03\x04...', 'is a ZIP archive, such as a PyTorch checkpoint'],
    ['a GGUF file', 'GGUF\x03', 'is a GGUF file'],
    ['compressed', '\x1f\x8b\x08', 'is compressed (gzip)'],
    ['in UTF-16', '\xff\xfe{\0}\0', 'is text in UTF-16; expected UTF-8'],
  ])('that is %s is told so, whatever its name', async (_, content, message) => {
    for (const name of ['wrong.json', 'wrong.onnx']) {
      const path = await file(name, Buffer.from(content, 'latin1'));
      await expect(readInputFile(path)).rejects.toThrow(`${path} ${message}`);
    }
  });

  it('may come from standard input', async () => {
    const child = spawn(process.execPath, [MAIN, 'graph', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(CONFIG);
    let stdout = '';
    for await (const text of child.stdout.setEncoding('utf8')) stdout += text as string;
    expect(JSON.parse(stdout)).toMatchObject({ family: 'vit' });
  });
});
