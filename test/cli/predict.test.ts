import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { readSafetensor, readSafetensorsHeader } from '../../src/client';
import {
  endWithStatus,
  proxyError,
  sendAll,
  startFakeServer,
  statusError,
  type FakeServer,
} from '../client/fake-server';
import type { PredictCall } from '../client/fake-server';
import { chunk, messagesOf, prediction, summaryOf } from '../client/fixtures';
import { runCli, startCli } from './run-cli';

const CONFIG = '{ "model_type":"vit",  "hidden_size": 8 }\n';
const whole = prediction({ 'a.weight': [100, 30], 'a.bias': [100] }, 'tied.weight');
const warning = {
  kind: 'WARNING_KIND_RANGE' as const,
  field: 'hidden_size',
  actual: '8',
  trained: '32 to 160',
  text: 'hidden_size 8 is below 32 to 160',
};

let directory: string;
let config: string;
let out: string;
let server: FakeServer | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-predict-'));
  config = join(directory, 'my.json');
  out = join(directory, 'out');
  await writeFile(config, CONFIG);
});

afterEach(async () => {
  server?.stop();
  await rm(directory, { recursive: true });
});

/** The arguments of `logah predict` against a server that answers like this. */
async function predictFrom(predict: (call: PredictCall) => void, ...flags: string[]): Promise<string[]> {
  server = await startFakeServer({ predict });
  return ['predict', config, '--out', out, '--server', server.address, ...flags];
}

const answerWhole = (call: PredictCall): void => {
  const messages = messagesOf({ ...whole, plan: { ...whole.plan, warnings: [warning] } }, 4096);
  sendAll(call, messages);
};

describe('logah predict', () => {
  it('writes the tensors and the configuration as it is, and shows lines of progress and a table', async () => {
    const { code, stdout, stderr } = await runCli(...(await predictFrom(answerWhole, '--seed', '9')));
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^warning: hidden_size 8 is below 32 to 160\nwarning: --seed 9 changes no weight: .*\nout: 100 %, 12\.4 kB of 12\.4 kB, [\d.]+ MB\/s, ETA 0 s\n$/,
    );
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^network +tensors +parameters +predicted +tiled +by rule +tied +size +seconds +MB\/s +server peak$/,
      ),
      expect.stringMatching(/^out +3 +3,100 +3,100 +0 +0 +3,000 +12\.4 kB +[\d.]+ +[\d.]+ +123\.0 MB$/),
      `wrote ${join(out, 'model.safetensors')} (model tiny)`,
      '',
    ]);
    expect((await readdir(out)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await readFile(join(out, 'config.json'), 'utf8')).toBe(CONFIG);
    const bias = await readSafetensor(join(out, 'model.safetensors'), 'a.bias');
    expect(bias.equals(whole.data.subarray(12_000))).toBe(true);
    const { metadata } = await readSafetensorsHeader(join(out, 'model.safetensors'));
    expect(metadata).toEqual({
      format: 'pt',
      'logah.model': 'tiny',
      'logah.fingerprint': whole.plan.fingerprint,
      'logah.seed': '9',
    });
  });

  it('sends what the flags say', async () => {
    const flags = ['--model', 'm', '--dtype', 'bf16', '--seed', '3', '--chunk-bytes', '4096', '--sha256'];
    const select = ['--select', '*.bias', 'a.*'];
    await runCli(...(await predictFrom(answerWhole, ...flags, ...select)));
    expect(server?.requests).toMatchObject([
      {
        architecture: { source: 'transformersConfig', transformersConfig: Buffer.from(CONFIG) },
        model: 'm',
        dtype: 'DATA_TYPE_BFLOAT16',
        seed: 3,
        chunkBytes: 4096,
        sha256: true,
        selection: { patterns: ['*.bias', 'a.*'] },
      },
    ]);
  });

  it('prints one JSON object with --json', async () => {
    const { code, stdout } = await runCli(...(await predictFrom(answerWhole, '--json')));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: join(out, 'model.safetensors'),
      config: join(out, 'config.json'),
      model: 'tiny',
      dtype: 'F32',
      tensors: 3,
      sentTensors: 2,
      bytes: 12_400,
      coverage: { parameters: 3100, tied: 3000 },
      warnings: [{ field: 'hidden_size' }],
      serverPeakMemoryBytes: 123_000_000,
    });
  });

  it('prints nothing but warnings with --quiet', async () => {
    expect(await runCli(...(await predictFrom(answerWhole, '--quiet')))).toEqual({
      code: 0,
      stdout: '',
      stderr: `warning: ${warning.text}\n`,
    });
  });

  it('keeps a configuration that lies in the output directory already', async () => {
    await mkdir(out);
    config = join(out, 'config.json');
    await writeFile(config, CONFIG);
    expect(await runCli(...(await predictFrom(answerWhole)))).toMatchObject({ code: 0 });
    expect(await readFile(config, 'utf8')).toBe(CONFIG);
  });

  it('refuses to put the weights beside the configuration of another network, before it asks the server', async () => {
    await mkdir(out);
    await writeFile(join(out, 'config.json'), '{"model_type": "gpt2"}');
    const { code, stderr } = await runCli(...(await predictFrom(answerWhole)));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: ${join(out, 'config.json')} is there and differs from ${config}; give another --out, or move it away\n`,
    });
    expect(server?.requests).toEqual([]);
    expect(await readFile(join(out, 'config.json'), 'utf8')).toBe('{"model_type": "gpt2"}');
  });

  it('of two networks for one directory at the same time fails for the second to finish, and leaves the files of the first', async () => {
    const calls = new EventEmitter();
    const args = await predictFrom((call) => {
      if (call.request.seed === 1) calls.emit('waiting', call);
      else answerWhole(call);
    });
    const waiting = once(calls, 'waiting');
    const second = startCli(...args, '--seed', '1');
    const [call] = (await waiting) as [PredictCall];

    const first = join(directory, 'first.json');
    await writeFile(first, '{"model_type": "gpt2"}');
    const { code } = await runCli(...args.map((argument) => (argument === config ? first : argument)));
    expect(code).toBe(0);
    const weights = join(out, 'model.safetensors');
    const { ino } = await stat(weights);

    answerWhole(call);
    const refused = await second.result;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `error: ${join(out, 'config.json')} is there and differs from ${config}; give another --out, or move it away\n`,
    );
    expect((await readdir(out)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await readFile(join(out, 'config.json'), 'utf8')).toBe('{"model_type": "gpt2"}');
    expect((await stat(weights)).ino).toBe(ino);
  });

  it('says how the network was read', async () => {
    const args = await predictFrom((call) => {
      sendAll(call, messagesOf({ ...whole, plan: { ...whole.plan, notes: ['a field is ignored'] } }, 4096));
    });
    expect(await runCli(...args, '--quiet')).toMatchObject({ code: 0, stderr: 'note: a field is ignored\n' });
  });

  it("gives a shard's file a name of its own, and says in it which shard it is", async () => {
    const { code } = await runCli(...(await predictFrom(answerWhole, '--shard', '1/4')));
    expect(code).toBe(0);
    expect((await readdir(out)).sort()).toEqual(['config.json', 'shard-1-of-4.safetensors']);
    const { metadata } = await readSafetensorsHeader(join(out, 'shard-1-of-4.safetensors'));
    expect(metadata['logah.shard']).toBe('1/4');
  });

  it('goes on at the second server where the first has gone, also with one stream', async () => {
    const other = await startFakeServer({
      predict: (call) => {
        const offset = call.request.resume?.offset ?? 0;
        const [plan, ...rest] = messagesOf(whole, 4096);
        const { digests, ...summary } = summaryOf(whole);
        if (plan) call.write(plan);
        for (const { chunk: one } of rest) if (one && one.offset >= offset) call.write({ chunk: one });
        const left = whole.plan.tensors.filter(
          (tensor) => tensor.sent && tensor.offset + tensor.bytes > offset,
        );
        call.write({ summary: { ...summary, digests: digests.slice(digests.length - left.length) } });
        call.end();
      },
    });
    const args = await predictFrom(
      (call) => {
        for (const message of messagesOf(whole, 4096).slice(0, 2)) call.write(message);
        endWithStatus(call, proxyError(status.INTERNAL));
      },
      '--streams',
      '1',
    );
    const servers = args.map((argument) =>
      argument === server?.address ? `${argument},${other.address}` : argument,
    );
    const { code } = await runCli(...servers);
    other.stop();
    expect(code).toBe(0);
    expect(other.requests.map(({ resume }) => resume?.offset)).toEqual([4096]);
    const weight = await readSafetensor(join(out, 'model.safetensors'), 'a.weight');
    expect(weight.equals(whole.data.subarray(0, 12_000))).toBe(true);
  });

  it('refuses an output directory that is a file, before it asks the server', async () => {
    await writeFile(out, '');
    const { code, stderr } = await runCli(...(await predictFrom(answerWhole)));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: --out ${out} is a file, expected a directory\n`,
    });
    expect(server?.requests).toEqual([]);
  });

  it('prints violations by their fields', async () => {
    const violations = [
      { field: 'architecture.transformers_config.hidden_size', description: 'is 0, at least 1 is needed' },
      { field: 'model', description: 'no model "x"' },
    ];
    const predict = (call: PredictCall): void => {
      endWithStatus(call, statusError({ code: status.INVALID_ARGUMENT, message: 'all of it', violations }));
    };
    expect(await runCli(...(await predictFrom(predict)))).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: the request is wrong\n' +
        '  architecture.transformers_config.hidden_size: is 0, at least 1 is needed\n' +
        '  model: no model "x"\n',
    });
  });

  it.each([
    ['ends early', messagesOf(whole, 4096).slice(0, -1), 'end of the stream is early'],
    ['skips bytes', [{ plan: whole.plan }, chunk(8, Buffer.alloc(8))], 'chunk offset is 8, expected 0'],
    [
      'has a wrong byte',
      [{ plan: whole.plan }, chunk(0, Buffer.alloc(12_400)), ...messagesOf(whole).slice(-1)],
      'CRC-32 of "a.weight" is ',
    ],
  ])('says what is wrong with a stream that %s, and leaves nothing behind', async (_, messages, message) => {
    const predict = (call: PredictCall): void => {
      // All that it has came before.
      sendAll(call, call.request.resume ? messages.slice(0, 1) : messages);
    };
    const { code, stderr } = await runCli(...(await predictFrom(predict)));
    expect(code).toBe(1);
    expect(stderr).toContain(`error: bad answer from the server: ${message}`);
    expect(await readdir(directory)).toEqual(['my.json']);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'on %s mid-way cancels the call, leaves nothing behind and exits with %i',
    async (signal, expected) => {
      let cancelled: Promise<unknown> | undefined;
      const args = await predictFrom((call) => {
        cancelled = once(call, 'cancelled');
        messagesOf(whole, 4096)
          .slice(0, 2)
          .forEach((message) => call.write(message));
      });
      await mkdir(out);
      const events = watch(out);
      const { child, result } = startCli(...args);
      for await (const { filename } of events) {
        if (filename?.endsWith('.partial')) break;
      }
      child.kill(signal);
      expect(await result).toMatchObject({ code: expected, stderr: `interrupted by ${signal}\n` });
      await cancelled;
      expect(await readdir(out)).toEqual([]);
    },
  );
});

describe('logah plan', () => {
  it('shows every tensor with its source, and the totals', async () => {
    server = await startFakeServer({ plan: () => ({ ...whole.plan, warnings: [warning] }) });
    const { code, stdout, stderr } = await runCli('plan', config, '--server', server.address);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `warning: ${warning.text}\n` });
    expect(stdout).toBe(
      [
        'tensor       shape      source            rank   bytes',
        'a.weight     (100, 30)  predicted           16  12,000',
        'a.bias       (100)      predicted            -     400',
        'tied.weight  (100, 30)  tied to a.weight    16       -',
        '',
        '3 tensors of 3 nodes, 3,100 parameters: predicted 3,100 (100.0 %), tiled 0 (0.0 %), by rule 0 (0.0 %)',
        'tied, not counted above: 3,000',
        'to send: 12.4 kB in F32',
        `model: tiny; family: vit; fingerprint: ${whole.plan.fingerprint}`,
        '',
      ].join('\n'),
    );
  });

  it('shows what each representation would take, where they differ', async () => {
    const sizes = { denseBytes: 12_400, factorBytes: 6_000, coreBytes: 900 };
    server = await startFakeServer({ plan: () => ({ ...whole.plan, ...sizes }) });
    const { stdout } = await runCli('plan', config, '--server', server.address);
    expect(stdout).toContain('\nby --representation: dense 12.4 kB, factors 6.0 kB, core 900 B\n');
  });

  it('prints the plan as JSON with --json', async () => {
    server = await startFakeServer({ plan: () => whole.plan });
    const { stdout } = await runCli('plan', config, '--json', '--server', server.address);
    expect(JSON.parse(stdout)).toMatchObject({ model: 'tiny', tensors: [{ name: 'a.weight' }, {}, {}] });
  });
});

describe('logah models', () => {
  it('lists the models', async () => {
    const model = { name: 'm', decoder: 'aligned', rank: 32, parameters: 2_500_000, families: ['vit'] };
    server = await startFakeServer({ listModels: () => ({ models: [model], defaultModel: 'm' }) });
    expect(await runCli('models', '--server', server.address)).toEqual({
      code: 0,
      stdout:
        'model  decoder  rank  parameters  families  description\n' +
        'm      aligned    32   2,500,000  vit\n' +
        'default for other families: m\n',
      stderr: '',
    });
  });
});

describe('logah predict --resume', () => {
  /** Answers from the byte that is asked for on; to `end`, and then with a fault of the service. */
  const answerTo =
    (end: number) =>
    (call: PredictCall): void => {
      const from = call.request.resume?.offset ?? 0;
      call.write({ plan: whole.plan });
      for (const { chunk: one } of messagesOf(whole, 4000)) {
        if (one && one.offset >= from && one.offset < end) call.write({ chunk: one });
      }
      if (end < whole.data.length) {
        endWithStatus(call, statusError({ code: status.INTERNAL, message: 'a fault' }));
        return;
      }
      const left = whole.plan.tensors.filter(({ sent, offset }) => sent && offset >= from).length;
      const { digests, ...summary } = summaryOf(whole);
      call.write({ summary: { ...summary, digests: digests.slice(digests.length - left) } });
      call.end();
    };

  /** The second of two calls began at so many bytes, and all that a whole prediction leaves is there. */
  const expectWholeFrom = async (offset: number): Promise<void> => {
    expect(server?.requests.flatMap(({ resume }) => (resume ? [resume.offset] : []))).toEqual([0, offset]);
    expect((await readdir(out)).sort()).toEqual(['config.json', 'model.safetensors']);
    const weight = await readSafetensor(join(out, 'model.safetensors'), 'a.weight');
    const bias = await readSafetensor(join(out, 'model.safetensors'), 'a.bias');
    expect(Buffer.concat([weight, bias]).equals(whole.data)).toBe(true);
  };

  it('keeps what came, and goes on with the first tensor that is not whole', async () => {
    let end = 12_000;
    server = await startFakeServer({
      plan: () => whole.plan,
      predict: (call) => {
        answerTo(end)(call);
      },
    });
    const args = ['predict', config, '--out', out, '--server', server.address, '--quiet', '--resume'];
    expect(await runCli(...args)).toMatchObject({ code: 1, stderr: 'error: a fault\n' });
    expect(await readdir(out)).toEqual(['model.safetensors.partial']);
    end = whole.data.length;
    expect(await runCli(...args)).toMatchObject({ code: 0, stderr: '' });
    await expectWholeFrom(12_000);
  });

  it('begins anew where what was kept is of another prediction', async () => {
    await mkdir(out);
    await writeFile(join(out, 'model.safetensors.partial'), Buffer.alloc(50_000, 7));
    server = await startFakeServer({ plan: () => whole.plan, predict: answerTo(whole.data.length) });
    const args = ['predict', config, '--out', out, '--server', server.address, '--quiet', '--resume'];
    expect(await runCli(...args)).toMatchObject({ code: 0 });
    const bias = await readSafetensor(join(out, 'model.safetensors'), 'a.bias');
    expect(bias.equals(whole.data.subarray(12_000))).toBe(true);
  });

  it('warns of a seed that changes nothing', async () => {
    const { stderr } = await runCli(...(await predictFrom(answerWhole, '--quiet', '--seed', '4')));
    expect(stderr).toContain('warning: --seed 4 changes no weight');
  });

  it('does not warn of a seed that changes a weight', async () => {
    const seeded = { ...whole, plan: { ...whole.plan, seededElements: 1 } };
    const answer = (call: PredictCall): void => {
      sendAll(call, messagesOf(seeded, 4096));
    };
    const { code, stderr } = await runCli(...(await predictFrom(answer, '--quiet', '--seed', '4')));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
