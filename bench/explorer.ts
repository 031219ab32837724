/**
 * Opens large graphs in the explorer, in Chromium, and measures how long it takes from the choice of a file until its boxes
 * are painted: `npm run build && node -r ./bench/register.cjs bench/explorer.ts [ROUNDS]` writes
 * bench/results/explorer.json.
 */

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { startExplorer } from '../test/explorer/browser/explorer-process';
import { openBrowser, visit } from '../test/explorer/browser/visitor';
import { startServer } from '../test/support/server-process';

/** Seconds that a graph of 2,048 nodes may take. */
const BAR = 1;

interface Graph {
  readonly nodes: readonly { name: string; operation: string; shape?: readonly string[] }[];
  readonly edges: readonly { source: number; target: number }[];
  readonly parameters: readonly object[];
}

/** Residual blocks of eight nodes, under names of modules, or under names that say nothing. */
function graphOf(count: number, named: boolean): Graph {
  const operations = ['ln', 'conv', 'bias', 'sum', 'ln', 'conv', 'bias', 'sum'];
  const nodes = Array.from({ length: count }, (_, index) => {
    const place = (index - 1) % 8;
    const operation = index === 0 ? 'input' : (operations[place] ?? 'sum');
    const name = named && index > 0 ? `blocks.${Math.floor((index - 1) / 8)}.part${place}` : `n${index}`;
    const shape =
      operation === 'conv' ? ['64', '64'] : operation === 'sum' || index === 0 ? undefined : ['64'];
    return { name, operation, ...(shape && { shape }) };
  });
  const edges = nodes.slice(1).flatMap((_, index) => {
    const target = index + 1;
    const skips = (target - 1) % 4 === 3 ? [{ source: target - 4, target }] : [];
    return [{ source: index, target }, ...skips.filter(({ source }) => source >= 0)];
  });
  const parameters = nodes.flatMap(({ name, operation, shape }, node) =>
    operation === 'conv'
      ? [
          {
            name: `${name}.weight`,
            shape,
            blocks: [{ length: '64', prediction: { node, role: 'ROLE_MATRIX' } }],
          },
        ]
      : [],
  );
  return { nodes, edges, parameters };
}

/** What is measured in the page: the file was chosen, its plan had come, its boxes were painted. Milliseconds. */
interface Opened {
  readonly chosen: number;
  readonly planned: number;
  readonly painted: number;
}

const WATCH = `
document.addEventListener('change', () => { window.chosenAt = performance.now(); }, { capture: true, once: true });
window.paintedAt = new Promise((resolve) => {
  const observer = new MutationObserver(() => {
    if (document.querySelector('.box') === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
  });
  observer.observe(document.body, { childList: true, subtree: true });
});
undefined;`;

const READ = `window.paintedAt.then((painted) => {
  const plans = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/Plan'));
  return { chosen: window.chosenAt, planned: plans[0].responseEnd, painted };
})`;

async function main(rounds: number): Promise<void> {
  const server = await startServer({
    models: join(__dirname, '../models'),
    flags: ['--max-nodes', '8192'],
  });
  const explorer = await startExplorer(['--server', server.address]);
  const browser = await openBrowser();
  const results: object[] = [];
  try {
    for (const [count, named] of [
      [2048, true],
      [2048, false],
      [8192, false],
    ] as const) {
      const buffer = Buffer.from(JSON.stringify(graphOf(count, named)));
      const seconds: { whole: number; page: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        const { page, close } = await visit(browser, explorer.url);
        await page.getByText('Or begin with one of these').waitFor();
        await page.evaluate(WATCH);
        await page.setInputFiles('input[type=file]', {
          name: 'graph.json',
          mimeType: 'application/json',
          buffer,
        });
        const { chosen, planned, painted } = await page.evaluate<Opened>(READ);
        seconds.push({ whole: (painted - chosen) / 1000, page: (painted - planned) / 1000 });
        await close();
      }
      const whole = median(seconds.map((one) => one.whole));
      results.push({
        nodes: count,
        names: named ? 'modules' : 'none',
        seconds: whole,
        secondsOfThePage: median(seconds.map(({ page }) => page)),
        ...(count === 2048 && { bar: BAR, met: whole <= BAR }),
      });
      console.log(JSON.stringify(results.at(-1)));
    }
  } finally {
    await browser.close();
    await explorer.stop();
    await server.stop();
  }
  const result = { rounds, node: process.version, cores: cpus().length, graphs: results };
  await writeFile(join(__dirname, 'results/explorer.json'), `${JSON.stringify(result, null, 2)}\n`);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

main(Number(process.argv[2] ?? 5)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
