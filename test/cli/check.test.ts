import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckReport } from '../../src/cli/commands/check/report';
import { parseGpus } from '../../src/cli/commands/check/machine';
import { runCli } from './run-cli';

const MODEL = 'logah-tiny-vit-fashion';
const SHIPPED = join(__dirname, '..', '..', 'models');

let models: string;

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'logah-check-'));
  await cp(join(SHIPPED, MODEL), join(models, MODEL), { recursive: true });
});

afterAll(async () => {
  await rm(models, { recursive: true });
});

describe('logah check', () => {
  it('finds that this machine predicts what is on record for every model that ships with the package', async () => {
    const { code, stdout } = await runCli('check', '--execution-provider', 'cpu', '--json');
    const report = JSON.parse(stdout) as CheckReport;
    expect(report.comparisons.map(({ model, against }) => [model, against])).toEqual([
      ['logah-tiny-gpt2-kjv', 'record'],
      ['logah-tiny-llama-kjv', 'record'],
      [MODEL, 'record'],
    ]);
    expect(report.comparisons[2]?.kinds.map(({ kind }) => kind).sort()).toEqual([
      'by rule',
      'kernels',
      'matrices',
      'vectors',
    ]);
    expect(report.largestError).toBeLessThanOrEqual(1e-5);
    expect({ code, isRight: report.isRight, uncompared: report.uncompared }).toEqual({
      code: 0,
      isRight: true,
      uncompared: [],
    });
    expect(report.speeds[0]?.bytesPerSecond).toBeGreaterThan(0);
    expect(report.precision).toEqual({ isExact: true, override: '0' });
  });

  it('ends with exit code 1 and names the tensor where a prediction is another', async () => {
    const file = join(models, MODEL, 'check.json');
    const before = await readFile(file, 'utf8');
    const name = 'vit.layers.1.attention.q_proj.weight';
    const record = JSON.parse(before) as { networks: { vit: Record<string, { values: string }> } };
    const tensor = record.networks.vit[name];
    if (tensor === undefined) throw new Error(`${name} is not on record`);
    const values = new Float32Array(new Uint8Array(Buffer.from(tensor.values, 'base64')).buffer);
    tensor.values = Buffer.from(values.map((value) => value * 1.0001).buffer).toString('base64');
    await writeFile(file, JSON.stringify(record));
    try {
      const { code, stdout } = await runCli('check', '--execution-provider', 'cpu', '--models', models);
      expect(code).toBe(1);
      expect(stdout).toMatch(/ matrices +\d+ +1\.0e-4 +vit\.layers\.1\.attention\.q_proj\.weight\n/);
      expect(stdout).toMatch(/^WRONG: the largest relative error is 1\.0e-4, 0\.00001 is allowed$/m);
    } finally {
      await writeFile(file, before);
    }
  });

  it('records what a machine predicts, and is not content with nothing to compare', async () => {
    const file = join(models, MODEL, 'check.json');
    const shipped = await readFile(file, 'utf8');
    await rm(file);
    const bare = await runCli('check', '--execution-provider', 'cpu', '--models', models);
    expect({ code: bare.code, last: bare.stdout.trimEnd().split('\n').at(-1) }).toEqual({
      code: 1,
      last: 'nothing was compared',
    });
    expect((await runCli('check', '--models', models, '--record')).stdout).toBe(`recorded vit of ${MODEL}\n`);
    const networks = (text: string): object => JSON.parse(text) as object;
    const [ours, theirs] = [networks(await readFile(file, 'utf8')), networks(shipped)];
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    expect((await runCli('check', '--execution-provider', 'cpu', '--models', models)).code).toBe(0);
  });

  it('ends with exit code 1 where CUDA is asked for and does not load, and says which libraries do', async () => {
    const { code, stdout, stderr } = await runCli(
      'check',
      '--execution-provider',
      'cuda',
      '--models',
      models,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^libonnxruntime_providers_cuda\.so +not found in .* onnxruntime-gpu \(PyPI\)/m);
    expect(stderr).toMatch(/^error: .*--execution-provider cuda: ONNX Runtime's CUDA provider did not load/);
  });
});

describe('the GPUs', () => {
  it('are those that nvidia-smi lists', () => {
    expect(
      parseGpus('0, NVIDIA H200, 580.65.06, 143771, 512\n1, NVIDIA H200, 580.65.06, 143771, 0\n'),
    ).toEqual([
      {
        index: 0,
        name: 'NVIDIA H200',
        driver: '580.65.06',
        memoryBytes: 143771 * 2 ** 20,
        usedMemoryBytes: 512 * 2 ** 20,
      },
      {
        index: 1,
        name: 'NVIDIA H200',
        driver: '580.65.06',
        memoryBytes: 143771 * 2 ** 20,
        usedMemoryBytes: 0,
      },
    ]);
    expect(parseGpus('')).toEqual([]);
  });
});
