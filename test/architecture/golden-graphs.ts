/**
 * The golden graphs in test/fixtures/graphs: NAME.config.json is a transformers configuration, NAME.graph.json the
 * graph that it stands for. Python's tests hold the same files to transformers itself and to the training's own
 * front-end (python/tests/graph/test_transformers_agreement.py).
 *
 * Written anew by `UPDATE_GOLDEN_GRAPHS=1 npx jest test/architecture/golden-graphs`; look at the difference.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatGraphJson } from '../../src/architecture/graph-json';
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

export function writeGoldenGraph(name: string, graph: ArchitectureGraph): void {
  writeFileSync(join(DIRECTORY, `${name}.graph.json`), formatGraphJson(graph));
}
