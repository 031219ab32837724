import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendAll, startFakeServer } from './fake-server';
import { messagesOf, prediction } from './fixtures';

const ROOT = join(__dirname, '..', '..');

describe('docs/clients.md', () => {
  it('has an example that runs', async () => {
    const text = await readFile(join(ROOT, 'docs', 'clients.md'), 'utf8');
    const example = /```js\n(.*?)```/s.exec(text)?.[1] ?? '';
    const server = await startFakeServer({
      predict: (call) => {
        sendAll(call, messagesOf(prediction({ a: [30] })));
      },
    });
    const directory = await mkdtemp(join(tmpdir(), 'logah-example-'));
    try {
      const library = JSON.stringify(join(ROOT, 'dist', 'client'));
      const code = example.replace("'logah'", library).replace('127.0.0.1:50051', server.address);
      await writeFile(join(directory, 'example.js'), code);
      await writeFile(join(directory, 'config.json'), '{"model_type": "vit"}');
      const child = spawn(process.execPath, ['example.js'], {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
      expect(await once(child, 'close')).toEqual([0, null]);
      expect(output).toBe('30 parameters from tiny\n');
      expect(await readdir(directory)).toContain('model.safetensors');
      expect(server.requests[0]?.seed).toBe(1);
    } finally {
      server.stop();
      await rm(directory, { recursive: true });
    }
  });
});
