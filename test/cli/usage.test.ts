import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './run-cli';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-usage-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** Path of a file with this content. */
async function file(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe('logah', () => {
  it.each([
    ['an unknown command', ['predct'], "unknown command 'predct'\n(Did you mean predict?)"],
    ['an unknown flag', ['predict', 'x', '--otu', 'y'], "unknown option '--otu'\n(Did you mean --out?)"],
    ['an output directory without a name', ['predict', 'x', '--out', ''], 'Expected a directory.'],
    ['an output directory without a name', ['demo', '--out='], 'Expected a directory.'],
    ['a missing flag', ['predict', 'x'], "required option '--out <directory>' not specified"],
    ['a missing file argument', ['plan'], "missing required argument 'file'"],
    ['a seed that is no number', ['plan', 'x', '--seed', '1e3'], 'Expected a whole number from 0 to'],
    ['an unknown element type', ['plan', 'x', '--dtype', 'f64'], 'Allowed choices are f32, f16, bf16.'],
    ['chunks too small', ['predict', 'x', '--out', 'y', '--chunk-bytes', '9'], 'from 4096 to 4194304'],
    ['no copies at all', ['plan', 'x', '--copies', '0'], 'Expected a whole number from 1 to 1024.'],
    ['a lift beyond bounds', ['plan', 'x', '--lift', '10.5'], 'Expected a number from 0 to 10, such as 0.1.'],
    ['a base beyond bounds', ['plan', 'x', '--base', '11'], 'Expected a number from 0 to 10, such as 0.1.'],
    [
      'no strength',
      ['plan', 'x', '--strength', '0'],
      'Expected a number above 0 and at most 10, such as 0.3.',
    ],
    ['an address without a port', ['models', '--server', 'host'], 'Expected HOST:PORT'],
    [
      'flags that exclude each other',
      ['models', '--server', 'h:1', '--models', 'd'],
      'cannot be used with option',
    ],
  ])('answers %s with exit code 2 and how to get help', async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\(see logah.* --help\)/);
  });

  it('is there before it is built, and says so', async () => {
    const { bin } = JSON.parse(await readFile(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
      bin: { logah: string };
    };
    await mkdir(join(directory, 'bin'));
    await copyFile(join(__dirname, '..', '..', bin.logah), join(directory, bin.logah));
    const child = spawnSync(process.execPath, [join(directory, bin.logah), '--version'], {
      encoding: 'utf8',
    });
    expect(child).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'error: logah is not built yet; npm run build does that\n',
    });
  });

  it.each([[[]], [['predict']], [['serve']]])('prints its version, also after %j', async (command) => {
    const { code, stdout } = await runCli(...command, '--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('prints a script that completes its commands, flags and choices in bash', async () => {
    const { stdout } = await runCli('completion', 'bash');
    const complete = (...words: string[]): string =>
      spawnSync('bash', ['-s'], {
        input: `${stdout}\nCOMP_WORDS=(logah ${words.join(' ')}); COMP_CWORD=${words.length}; _logah; echo "\${COMPREPLY[*]}"`,
        encoding: 'utf8',
      }).stdout.trim();
    expect(complete('pre')).toBe('predict');
    expect(complete('predict', '--rep')).toBe('--representation');
    expect(complete('predict', '--dtype', 'f')).toBe('f32 f16');
    expect(complete('completion', 'z')).toBe('zsh');
  });

  it('says in one line that an address is taken, before it loads a model', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const run = await runCli('serve', '--address', `127.0.0.1:${port}`, '--models', directory);
    listener.close();
    expect(run).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: cannot listen on 127.0.0.1:${port}: another process listens there\n`,
    });
  });

  it.each(['predict', 'plan', 'graph', 'models', 'demo', 'serve'])(
    'tells in `%s --help` what each flag is and its default',
    async (command) => {
      const { code, stdout } = await runCli(command, '--help');
      expect(code).toBe(0);
      const flags = stdout
        .slice(stdout.indexOf('Options:'))
        .split(/\n(?= {2}-)/)
        .slice(1);
      expect(flags.length).toBeGreaterThan(2);
      for (const flag of flags) {
        expect(flag.replace(/\s+/g, ' ')).toMatch(/default: |\(required\)|--help|--version|--parent-watch/);
      }
    },
  );
});

describe('an input file', () => {
  it('that is missing is named', async () => {
    const path = join(directory, 'none.json');
    expect(await runCli('plan', path)).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: cannot read ${path}: no such file or directory\n`,
    });
  });

  it('that is not JSON is named, with the place', async () => {
    const path = await file('broken.json', '{"model_type": vit}');
    const { code, stderr } = await runCli('plan', path);
    expect(code).toBe(1);
    expect(stderr).toContain(`error: ${path} is not JSON: Unexpected "v" in line 1, column 16`);
  });

  it('that is neither a configuration nor a graph is told what it lacks', async () => {
    const path = await file('other.json', '{}');
    const { code, stderr } = await runCli('plan', path);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'neither a transformers config.json (it has no "model_type") nor an architecture graph',
    );
  });

  it('with a graph that has wrong fields is answered with each of them', async () => {
    const path = await file('graph.json', '{"nodes": [{"nam": "x"}], "edges": 3}');
    const { code, stderr } = await runCli('plan', path);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*\n {2}nodes\[0\]\.nam: .*\n {2}edges: /);
  });
});

describe('an output directory', () => {
  it('that cannot be made is named, and the command ends', async () => {
    const config = await file('config.json', '{"model_type": "vit"}');
    const { code, stderr } = await runCli(
      'predict',
      config,
      '--out',
      '/proc/none/out',
      '--server',
      '127.0.0.1:1',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot make the directory \/proc\/none: .*\n$/);
  });

  it('below a file is refused, and the file named', async () => {
    const config = await file('config.json', '{"model_type": "vit"}');
    const { code, stderr } = await runCli(
      'predict',
      config,
      '--out',
      join(config, 'out'),
      '--server',
      '127.0.0.1:1',
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: --out ${join(config, 'out')} lies below ${config}, which is a file, expected a directory\n`,
    });
  });
});

describe('a server that is not there', () => {
  it('is named by its address, and nothing is left behind', async () => {
    const config = await file('config.json', '{"model_type": "vit"}');
    const out = join(directory, 'new', 'out');
    const { code, stderr } = await runCli('predict', config, '--out', out, '--server', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toBe('error: server 127.0.0.1:1 is unavailable: connect ECONNREFUSED 127.0.0.1:1\n');
    expect(await readdir(directory)).not.toContain('new');
  });
});
