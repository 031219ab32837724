import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './run-cli';

const GRAPHS = join(__dirname, '..', 'fixtures', 'graphs');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-graph-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('logah graph', () => {
  it.each(['vit-not-square', 'gpt2-tied'])(
    'prints the graph of %s, and the same for what it printed',
    async (name) => {
      const golden = await readFile(join(GRAPHS, `${name}.graph.json`), 'utf8');
      const fromConfig = await runCli('graph', join(GRAPHS, `${name}.config.json`));
      expect(fromConfig).toEqual({ code: 0, stdout: golden, stderr: '' });
      const path = join(directory, `${name}.graph.json`);
      await writeFile(path, fromConfig.stdout);
      expect(await runCli('graph', path)).toEqual({ code: 0, stdout: golden, stderr: '' });
    },
  );

  it('refuses what a server would refuse, field by field', async () => {
    const path = join(directory, 'config.json');
    await writeFile(path, '{"model_type": "vit", "hidden_size": 0}');
    const { code, stdout, stderr } = await runCli('graph', path);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: the request is wrong\n {2}\S*hidden_size: /);
  });

  it('keeps to the limits given', async () => {
    const config = join(GRAPHS, 'gpt2-defaults.config.json');
    const { code, stderr } = await runCli('graph', config, '--max-nodes', '9');
    expect(code).toBe(1);
    expect(stderr).toMatch(/has \d+ nodes; this server allows 9 \(--max-nodes\)/);
  });
});
