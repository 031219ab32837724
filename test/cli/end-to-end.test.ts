import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readSafetensor, readSafetensorsHeader } from '../../src/client';
import { MAIN, runCli } from './run-cli';

const FIXTURES = join(__dirname, '..', 'fixtures');
const BUNDLE = join(FIXTURES, 'parity', 'bundle');
const GRAPH = join(FIXTURES, 'parity', 'vit-c96-l2-p4.graph.json');
const EXPECTED = join(FIXTURES, 'parity', 'expected.safetensors');
const CONFIG = join(FIXTURES, 'graphs', 'vit-width-96.config.json');

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-end-to-end-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function floats(path: string, name: string): Promise<Float32Array> {
  const bytes = await readSafetensor(path, name);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Euclidean norm of the difference over that of `expected`. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const norm = (values: Float32Array): number => Math.hypot(...values);
  return norm(expected.map((value, index) => value - (actual[index] ?? NaN))) / (norm(expected) || 1);
}

describe('logah predict with a server of its own', () => {
  it('writes what the published implementation predicts for a graph', async () => {
    const out = join(directory, 'out');
    const run = await runCli('predict', GRAPH, '--out', out, '--models', BUNDLE, '--sha256');
    expect(run).toMatchObject({ code: 0 });
    expect(await readdir(out)).toEqual(['model.safetensors']);
    const path = join(out, 'model.safetensors');
    const { tensors: fixture } = await readSafetensorsHeader(EXPECTED);
    const { tensors } = await readSafetensorsHeader(path);
    const expected = [...fixture].filter(([name]) => tensors.has(name) && name !== 'class_token');
    expect(expected.length).toBe(tensors.size - 1);
    for (const [name, { shape }] of expected) {
      expect(tensors.get(name)?.shape).toEqual(shape);
      // The row of the class token is noise that nobody can repeat.
      const skipped = name === 'encoder.pos_embedding' ? (shape[2] ?? 0) : 0;
      const [actual, right] = [await floats(path, name), await floats(EXPECTED, name)];
      expect(relativeError(actual.subarray(skipped), right.subarray(skipped))).toBeLessThan(1e-5);
    }
  });

  it('writes the same bytes again, and the same for a tensor that is sent alone', async () => {
    const predict = async (name: string, ...flags: string[]): Promise<string> => {
      const out = join(directory, name);
      expect(await runCli('predict', CONFIG, '--out', out, '--models', BUNDLE, ...flags)).toMatchObject({
        code: 0,
      });
      return join(out, 'model.safetensors');
    };
    const first = await predict('first');
    const second = await predict('second', '--chunk-bytes', '4096');
    expect((await readFile(first)).equals(await readFile(second))).toBe(true);
    const alone = await predict('alone', '--select', '*classifier.*');
    const { tensors } = await readSafetensorsHeader(alone);
    expect([...tensors.keys()]).toEqual(['classifier.weight', 'classifier.bias']);
    const [whole, part] = [
      await readSafetensor(first, 'classifier.weight'),
      await readSafetensor(alone, 'classifier.weight'),
    ];
    expect(whole.equals(part)).toBe(true);
  });

  it('refuses a network with parameters that are not predicted where it is told to be strict', async () => {
    const flags = ['--out', join(directory, 'out'), '--models', BUNDLE, '--strict'];
    const { code, stderr } = await runCli('predict', CONFIG, ...flags);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'parameter "vit.embeddings.cls_token" of shape [1,1,96] is not predicted: 96 of 96 elements',
    );
    expect(await readdir(directory)).toEqual([]);
  });

  it('predicts the weights of an ONNX file by their names, all of them where it is told to be strict', async () => {
    const file = join(FIXTURES, 'onnx', 'resnet50.onnx');
    const out = join(directory, 'out');
    const select = ['--select', 'layer1.0.*'];
    const run = await runCli('predict', file, '--out', out, '--models', BUNDLE, '--strict', ...select);
    expect(run).toMatchObject({ code: 0 });
    expect(await readdir(out)).toEqual(['model.safetensors']);
    const { tensors } = await readSafetensorsHeader(join(out, 'model.safetensors'));
    expect([...tensors.keys()]).toContain('layer1.0.downsample.1.weight');
    expect(tensors.get('layer1.0.conv2.weight')?.shape).toEqual([64, 64, 3, 3]);
    expect(tensors.size).toBe(12);
  });

  it('prints what the server finds wrong with a configuration, field by field', async () => {
    const config = join(directory, 'config.json');
    await writeFile(config, '{"model_type": "vit", "hidden_size": 0, "num_hidden_layers": -1}');
    const { code, stderr } = await runCli('plan', config, '--models', BUNDLE);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: the request is wrong\n/);
    expect(stderr).toMatch(/\n {2}\S*hidden_size: /);
    expect(stderr).toMatch(/\n {2}\S*num_hidden_layers: /);
  });

  it('says why its server could not start', async () => {
    const { code, stderr } = await runCli('models', '--models', directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      `error: the server could not start: models directory ${directory} holds no model bundle`,
    );
  });
});

describe('logah serve --parent-watch', () => {
  it('ends by itself when its standard input ends', async () => {
    const flags = ['serve', '--address', '127.0.0.1:0', '--models', BUNDLE, '--parent-watch'];
    const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('"listening"')) break;
    }
    child.stdout.resume();
    child.stdin.end();
    expect(await exit).toEqual([0, null]);
  });
});
