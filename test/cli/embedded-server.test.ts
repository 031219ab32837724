import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedServer } from '../../src/cli/embedded-server';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-embedded-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Starts a program in the server's place; LISTEN in its code prints the line that a server prints when it listens. */
async function start(code: string, signal = new AbortController().signal) {
  const entry = join(directory, 'server.js');
  const listen = `console.log(JSON.stringify({ level: 30, port: 4321, msg: 'listening' }));`;
  await writeFile(entry, code.replace('LISTEN', listen));
  return startEmbeddedServer({ modelsDirectory: '/models', signal, entry });
}

describe('a server of our own', () => {
  it('is there when it says that it listens, and ends when it is told to', async () => {
    const server = await start(
      `process.on('SIGTERM', () => process.exit(0)); LISTEN process.stdin.resume();`,
    );
    expect(server.address).toBe('127.0.0.1:4321');
    await server.stop();
    expect(await server.endedWith(0)).toBe('no message, exit code 0');
  });

  it('is asked for a free port, and to end with its parent', async () => {
    const code = `console.error('error: ' + process.argv.slice(2).join(' ')); process.exit(1);`;
    await expect(start(code)).rejects.toThrow(
      'serve --address 127.0.0.1:0 --models /models --models-poll-seconds 0 --metrics-address off --log-level info --parent-watch',
    );
  });

  it('has its standard input open as long as this process lives', async () => {
    const server = await start(`LISTEN process.stdin.once('end', () => process.exit(3)).resume();`);
    await server.stop();
    expect(await server.endedWith(0)).toBe('no message, signal SIGTERM');
  });

  it.each([
    ['an error on standard error', `console.error('error: no models'); process.exit(1);`, 'no models'],
    [
      'an error in its log',
      `console.log(JSON.stringify({ level: 60, msg: 'cannot start', err: { message: 'no models' } })); process.exit(1);`,
      'cannot start: no models',
    ],
    ['plain text', `console.error('Segmentation fault\\n'); process.exit(1);`, 'Segmentation fault'],
    ['nothing', `process.exit(7);`, 'no message, exit code 7'],
  ])('that ends before it listens is quoted where it leaves %s', async (_, code, message) => {
    await expect(start(code)).rejects.toMatchObject({
      kind: 'unavailable',
      message: `the server could not start: ${message}`,
    });
  });

  it('is ended when starting is given up', async () => {
    const abort = new AbortController();
    const starting = start(`process.stdin.resume();`, abort.signal);
    abort.abort();
    await expect(starting).rejects.toMatchObject({ kind: 'cancelled' });
  });

  it('that ends later tells its last words', async () => {
    const server = await start(`LISTEN console.error('error: out of memory'); process.exitCode = 1;`);
    expect(await server.endedWith(10_000)).toBe('out of memory');
    await server.stop();
  });
});
