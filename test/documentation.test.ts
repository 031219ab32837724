import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FaultResults } from '../bench/fault-results';
import { moduleSummary, type ModuleResults } from '../bench/module-report';
import { performanceDocument, securityResults, soakResults } from '../bench/report';
import type { Results } from '../bench/results';
import { SETTINGS } from '../src/config/server-settings';
import type { Setting } from '../src/config/setting';
import { MAIN, runCli } from './cli/run-cli';
import { startExplorer } from './explorer/browser/explorer-process';
import { reflectedServices } from './support/reflection';

const ROOT = join(__dirname, '..');

async function text(...path: string[]): Promise<string> {
  return readFile(join(ROOT, ...path), 'utf8');
}

/** The contents of a document's code blocks in a language. */
function blocks(document: string, language: string): string[] {
  return [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, content]) =>
    name === language ? [content ?? ''] : [],
  );
}

/** The lines that a reader would type in a document's console blocks. */
function typed(document: string): string[] {
  return blocks(document, 'console').flatMap((block) =>
    block.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])),
  );
}

/** What stands below a heading that has `title` in it, up to the next one. */
function section(document: string, title: string): string {
  const [, body = ''] = document.split(new RegExp(`^## .*${title}.*$`, 'm'));
  return body.split(/^## /m)[0] ?? '';
}

/** Every document of the repository. */
async function documents(): Promise<string[]> {
  const inDocs = await readdir(join(ROOT, 'docs'), { recursive: true });
  return ['README.md', 'CONTRIBUTING.md', ...inDocs.map((name) => join('docs', name))].filter((name) =>
    name.endsWith('.md'),
  );
}

describe('README.md', () => {
  it('is short', async () => {
    expect((await text('README.md')).split('\n').length).toBeLessThanOrEqual(120);
  });

  it('begins with commands that package.json has', async () => {
    const { scripts } = JSON.parse(await text('package.json')) as { scripts: Record<string, string> };
    const readme = await text('README.md');
    expect(blocks(readme, 'sh')[0]).toBe('npm ci && npm run demo\n');
    expect(readme).toContain('`npm ci && npm test`');
    expect(scripts).toMatchObject({ demo: expect.any(String) as string, test: expect.any(String) as string });
  });

  it('gives commands that work with a server, which has the services that docs/deployment.md lists', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'logah-readme-'));
    const server = spawn(process.execPath, [MAIN, 'serve', '--address', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const port = await listeningPort(server.stdout);
      const commands = typed(await text('README.md')).filter((line) => line !== 'npx logah serve');
      expect(commands.length).toBeGreaterThan(3);
      for (const command of commands) {
        const words = command.split(' ');
        expect(words.splice(0, 2)).toEqual(['npx', 'logah']);
        const args = words.map((word) =>
          word
            .replace('127.0.0.1:50051', `127.0.0.1:${port}`)
            .replace(/^out\//, `${directory}/`)
            .replace(/^my\//, join(ROOT, 'examples', 'gpt2/'))
            .replace(/^examples\//, join(ROOT, 'examples/')),
        );
        if (args[0] === 'health') args.push('--server', `127.0.0.1:${port}`);
        if (args[0] === 'explore') {
          const explorer = await startExplorer([...args.slice(1), '--server', `127.0.0.1:${port}`]);
          expect((await fetch(explorer.url)).status).toBe(200);
          expect(await explorer.stop()).toBe(0);
        } else {
          expect(await runCli(...args)).toMatchObject({ code: 0 });
        }
      }
      expect((await readdir(directory)).sort()).toEqual(['mine', 'vit']);
      const listed = await reflectedServices(`127.0.0.1:${port}`, 'v1');
      expect(await text('docs', 'deployment.md')).toContain(`list\n${listed.join('\n')}\n$`);
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
      await rm(directory, { recursive: true });
    }
  });
});

describe('docs/models.md', () => {
  it('states the accuracies that the manifest records', async () => {
    const document = await text('docs', 'models.md');
    const manifest = JSON.parse(await text('models', 'logah-tiny-vit-fashion', 'manifest.json')) as {
      training: {
        metrics: {
          metric: string;
          group: string;
          width?: number;
          layers?: number;
          value: number;
          unwidened?: number;
        }[];
      };
    };
    const { metrics } = manifest.training;
    const mean = (group: string) =>
      metrics.find((entry) => entry.metric === 'mean_zero_shot_accuracy' && entry.group === group);
    const outside = (key: 'width' | 'layers', size: number) =>
      metrics.find((entry) => entry.group === 'outside' && entry[key] === size);
    for (const entry of [
      mean('held_out'),
      mean('trained'),
      outside('layers', 12),
      outside('width', 224),
      outside('width', 256),
      outside('width', 384),
    ]) {
      expect(document).toContain(`${(100 * (entry?.value ?? NaN)).toFixed(1)} %`);
    }
    for (const width of [256, 384]) {
      expect(document).toContain(`${(100 * (outside('width', width)?.unwidened ?? NaN)).toFixed(1)} %`);
    }
  });
});

describe('docs/models.md on language', () => {
  it.each([
    ['logah-tiny-gpt2-kjv', 7],
    ['logah-tiny-llama-kjv', 7],
  ])('states the perplexities that the manifest of %s records', async (name, count) => {
    const document = section(await text('docs', 'models.md'), name);
    const { training } = JSON.parse(await text('models', name, 'manifest.json')) as {
      training: {
        steps: number;
        references: { unigram_perplexity: number };
        metrics: { metric: string; group: string; value: number; default_init?: number }[];
      };
    };
    const { metrics, references, steps } = training;
    const shown = metrics.filter(({ metric, group }) => metric.startsWith('mean_') !== (group === 'outside'));
    expect(shown).toHaveLength(count);
    for (const value of [...shown.map((entry) => entry.value), references.unigram_perplexity]) {
      expect(document).toContain(value.toFixed(1));
    }
    const starts = metrics.flatMap((entry) => entry.default_init ?? []).map(Math.round);
    for (const start of [Math.min(...starts), Math.max(...starts), steps]) {
      expect(document).toContain(start.toLocaleString('en'));
    }
  });
});

describe("README.md's table", () => {
  it('has the figures of the pages that it sums up', async () => {
    const [, worth = ''] = (await text('README.md')).split('## What the weights are worth');
    const rows = [...worth.matchAll(/^\|.*\|$/gm)].map(([row]) => row);
    const figures = rows.join('').match(/\d[\d,]*\.?\d*(?= %| \|| {2})/g) ?? [];
    const pages = ['models.md', 'results.md'];
    const sources = (await Promise.all(pages.map((page) => text('docs', page)))).join('');
    expect(figures.length).toBeGreaterThan(6);
    // One of ten classes.
    for (const figure of figures.filter((value) => value !== '10')) expect(sources).toContain(figure);
  });
});

describe('docs/deployment.md', () => {
  it('lists every setting with its variable, default and meaning', async () => {
    const document = await text('docs', 'deployment.md');
    const table = /<!-- settings: begin -->\n(.*)<!-- settings: end -->/s.exec(document)?.[1] ?? '';
    const rows = table
      .trim()
      .split('\n')
      .slice(2)
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    const expected = Object.values<Setting>(SETTINGS).map((setting) => [
      `\`${setting.flag.split(' ')[0]}\``,
      `\`${setting.variable}\``,
      setting.default === '' ? '' : `\`${setting.default}\``,
      setting.description,
    ]);
    expect(rows).toEqual(expected);
  });
});

describe('docs/architectures.md', () => {
  it('is what the code says', () => {
    const script = join(ROOT, 'scripts', 'generate-architectures.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('every document', () => {
  it('links to files that exist', async () => {
    for (const name of await documents()) {
      const links = [...(await text(name)).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(
        ([, target]) => target ?? '',
      );
      for (const link of links.filter((target) => !target.includes('://'))) {
        const target = join(ROOT, dirname(name), link);
        await expect(
          stat(target).then(
            () => 'is there',
            () => `${name} links to ${link}`,
          ),
        ).resolves.toBe('is there');
      }
    }
  });

  it('names source files that exist', async () => {
    for (const name of await documents()) {
      const paths = [
        ...(await text(name)).matchAll(/(?<![\w/.-])(?:src|test|python|scripts)\/[\w./-]+\.(?:ts|mjs|py)\b/g),
      ];
      for (const [path] of paths) {
        await expect(
          stat(join(ROOT, path)).then(
            () => 'is there',
            () => `${name} names ${path}`,
          ),
        ).resolves.toBe('is there');
      }
    }
  });
});

async function listeningPort(stdout: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input: stdout })) {
    const entry = JSON.parse(line) as { msg: string; port: number };
    if (entry.msg === 'listening') return entry.port;
  }
  throw new Error('the server ended before it listened');
}

describe('docs/performance.md', () => {
  it('is made of the figures and the notes', async () => {
    const results = JSON.parse(await text('bench', 'results', 'performance.json')) as Results;
    const module = JSON.parse(await text('bench', 'results', 'into-module.json')) as ModuleResults;
    const faults = JSON.parse(await text('bench', 'results', 'faults.json')) as FaultResults;
    const notes = await text('bench', 'notes.md');
    expect(await text('docs', 'performance.md')).toBe(
      performanceDocument(results, module, faults, soakResults(), securityResults(), notes),
    );
    expect(await text('README.md')).toContain(moduleSummary(module));
  });
});
