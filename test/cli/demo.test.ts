import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './run-cli';

describe('logah demo', () => {
  it('shows on test images and in text what README.md quotes', async () => {
    const out = await mkdtemp(join(tmpdir(), 'logah-demo-'));
    try {
      const { code, stdout } = await runCli('demo', '--out', out);
      expect(code).toBe(0);
      const readme = await readFile(join(__dirname, '..', '..', 'README.md'), 'utf8');
      const accuracies = stdout.match(/\d+\.\d %/g) ?? [];
      expect(accuracies).toHaveLength(2);
      for (const accuracy of accuracies) expect(readme).toContain(accuracy);
      const text = /^ {2}predicted {6}(And God said.{60})/m.exec(stdout)?.[1];
      expect(text).toBeDefined();
      expect(readme).toContain(text);
      const picture = await readFile(join(out, 'vit-fashion', 'answers.svg'), 'utf8');
      const shipped = await readFile(join(__dirname, '..', '..', 'docs', 'images', 'answers.svg'), 'utf8');
      expect(picture).toBe(shipped);
    } finally {
      await rm(out, { recursive: true });
    }
  });
});
