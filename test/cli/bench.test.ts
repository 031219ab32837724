import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { loadReport } from '../../src/cli/commands/bench';
import { quantile, spreadOf } from '../../src/cli/output/statistics';
import { endWithStatus, sendAll, startFakeServer, statusError, type FakeServer } from '../client/fake-server';
import { messagesOf, prediction } from '../client/fixtures';
import { runCli } from './run-cli';

const BUNDLE = join(__dirname, '..', 'fixtures', 'parity', 'bundle');
const CONFIG = join(__dirname, '..', 'fixtures', 'graphs', 'vit-width-96.config.json');

const whole = prediction({ 'a.weight': [100, 30], 'a.bias': [100] });

let directory: string;
let file: string;
let server: FakeServer | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-bench-'));
  file = join(directory, 'config.json');
  await writeFile(file, '{"model_type": "vit"}');
});

afterEach(async () => {
  server?.stop();
  await rm(directory, { recursive: true });
});

describe('logah bench', () => {
  it('reads as many streams a round as it is told, one round more than count, and prints the figures', async () => {
    server = await startFakeServer({
      predict: (call) => {
        sendAll(call, messagesOf(whole));
      },
    });
    const flags = ['--server', server.address, '--file', file, '--streams', '2', '--repeats', '3'];
    const { code, stdout, stderr } = await runCli('bench', ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(server.requests.length).toBe(2 * (3 + 1));
    expect(stdout.replace(/ +[\d.]+ +[\d.]+ +[\d.]+$/gm, ' FIGURES').split('\n')).toEqual([
      '2 streams of 12.4 kB, 3 rounds',
      expect.stringMatching(/^ +median +least +most$/),
      'first chunk, ms FIGURES',
      'whole stream, s FIGURES',
      'all streams, MB/s FIGURES',
      'health checks meanwhile: not answered',
      'server peak memory: 123.0 MB',
      '',
    ]);
  });

  it('measures a server of its own and its health, and prints JSON with --json', async () => {
    const flags = ['--models', BUNDLE, '--file', CONFIG, '--repeats', '2', '--dtype', 'f16', '--json'];
    const { code, stdout } = await runCli('bench', ...flags);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as ReturnType<typeof loadReport> & { dtype: string };
    expect(report).toMatchObject({ file: CONFIG, server: null, dtype: 'f16', streams: 1, repeats: 2 });
    const { firstChunkMs, streamSeconds, healthMs } = report;
    expect(report.bytesPerStream).toBeGreaterThan(0);
    expect(firstChunkMs.median / 1000).toBeLessThanOrEqual(streamSeconds.median);
    expect(healthMs?.checks).toBeGreaterThan(0);
    expect(healthMs?.p50).toBeLessThanOrEqual(healthMs?.p99 ?? 0);
  });

  it('fails with the error of a stream', async () => {
    server = await startFakeServer({
      predict: (call) => {
        endWithStatus(call, statusError({ code: status.NOT_FOUND, message: 'no model "x"', violations: [] }));
      },
    });
    const { code, stdout, stderr } = await runCli('bench', '--server', server.address, '--file', file);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('no model "x"');
  });

  it('answers a count that is none with exit code 2', async () => {
    const { code, stderr } = await runCli('bench', '--streams', '0');
    expect(code).toBe(2);
    expect(stderr).toContain('Expected 1 to 9999.');
  });

  it('tells in `--help` what each flag is and its default', async () => {
    const { stdout } = await runCli('bench', '--help');
    const flags = stdout
      .slice(stdout.indexOf('Options:'))
      .split(/\n(?= {2}-)/)
      .slice(1);
    for (const flag of flags) expect(flag.replace(/\s+/g, ' ')).toMatch(/default: |--help|--version/);
  });
});

describe('the report of several rounds', () => {
  it('has the figures of streams, rounds and checks', () => {
    const stream = (firstChunkSeconds: number, seconds: number, serverPeakMemoryBytes: number) => ({
      firstChunkSeconds,
      seconds,
      bytes: 1e6,
      serverPeakMemoryBytes,
    });
    const report = loadReport([
      { streams: [stream(0.1, 1, 5), stream(0.2, 2, 7)], seconds: 2, bytes: 2e6, health: [1, 3] },
      { streams: [stream(0.3, 3, 6), stream(0.4, 4, 6)], seconds: 4, bytes: 2e6, health: undefined },
    ]);
    expect(report).toEqual({
      streams: 2,
      repeats: 2,
      bytesPerStream: 1e6,
      firstChunkMs: { median: 250, min: 100, max: 400 },
      streamSeconds: { median: 2.5, min: 1, max: 4 },
      megabytesPerSecond: { median: 0.75, min: 0.5, max: 1 },
      healthMs: { checks: 2, p50: 2, p99: quantile([1, 3], 0.99) },
      serverPeakMemoryBytes: 7,
    });
  });

  it('takes quantiles between neighbours, and none of nothing', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(quantile([5], 0.99)).toBe(5);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});
