// Reads configurations, one JSON text (as a JSON string) a line, and answers each with a line: {"graph"} or {"error"}.
import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';
import { toProtoGraph } from '../dist/architecture/explicit-graph.js';
import { architectureGraph } from '../dist/architecture/index.js';
import { LogahError } from '../dist/errors.js';

const LIMITS = { maxNodes: 1e6, maxParameters: Number.MAX_SAFE_INTEGER };

function answer(text) {
  try {
    return { graph: toProtoGraph(architectureGraph({ transformersConfig: Buffer.from(text) }, LIMITS)) };
  } catch (error) {
    if (!(error instanceof LogahError)) throw error;
    return { error: error.violations.map(({ field, description }) => `${field}: ${description}`) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
