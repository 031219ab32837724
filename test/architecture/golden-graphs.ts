/**
 * The golden graphs in test/fixtures/graphs: NAME.config.json is a transformers configuration, NAME.graph.json the
 * graph that it stands for. Python's tests hold the same files to transformers itself and to the training's own
 * front-end (python/tests/test_transformers_agreement.py).
 *
 * Written anew by `UPDATE_GOLDEN_GRAPHS=1 npx jest test/architecture/golden-graphs`; look at the difference.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';

const DIRECTORY = join(__dirname, '..', 'fixtures', 'graphs');
const CONFIG = '.config.json';

export const goldenNames = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(CONFIG))
  .map((file) => file.slice(0, -CONFIG.length));

export function goldenConfig(name: string): Buffer {
  return readFileSync(join(DIRECTORY, `${name}${CONFIG}`));
}

export function goldenGraphText(name: string): string {
  return readFileSync(join(DIRECTORY, `${name}.graph.json`), 'utf8');
}

/** One node, edge or parameter a line. */
export function writeGoldenGraph(name: string, graph: ArchitectureGraph): void {
  const list = (items: readonly unknown[] = []): string =>
    `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
  const text = `{
"name": ${JSON.stringify(graph.name)},
"family": ${JSON.stringify(graph.family)},
"nodes": ${list(graph.nodes)},
"edges": ${list(graph.edges)},
"parameters": ${list(graph.parameters)}
}
`;
  writeFileSync(join(DIRECTORY, `${name}.graph.json`), text);
}
