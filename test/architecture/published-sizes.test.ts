import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureGraph } from '../../src/architecture';
import { loadConfig } from '../../src/config/server-config';
import { shortestPaths } from '../../src/graph/distances';
import { graphSize } from '../../src/graph/limits';
import { generousLimits } from './requests';

const DIRECTORY = join(__dirname, '..', '..', 'examples', 'architectures');
const defaultLimits = loadConfig({}, '/models', {});

/** Parameters of the networks that were published; DeiT's with one classifier. */
const PUBLISHED: Readonly<Record<string, number>> = {
  'bart-base': 139_420_416,
  'bert-base-pretraining': 110_106_428,
  'bert-large': 335_174_458,
  'bloom-560m': 559_214_592,
  'clip-vit-b32': 151_277_313,
  'convnext-tiny': 28_589_128,
  'deberta-v3-base': 183_831_552,
  'deit-base': 86_569_192,
  'dinov2-small': 22_056_576,
  'distilbert-base': 66_985_530,
  'falcon-7b': 6_921_720_704,
  'gemma-2-2b': 2_614_341_888,
  'llama-3-70b': 70_553_706_496,
  'llama-3-8b': 8_030_261_248,
  'llama-7b': 6_738_415_616,
  'mistral-7b': 7_241_732_096,
  'mixtral-8x7b': 46_702_792_704,
  'opt-6.7b': 6_658_473_984,
  'pythia-160m': 162_322_944,
  'qwen2-7b': 7_615_616_512,
  'qwen3-0.6b': 596_049_920,
  'resnet-50': 25_557_032,
  'roberta-large': 355_412_057,
  'siglip-base': 203_155_970,
  'swin-tiny': 28_288_354,
  't5-small': 60_506_624,
  'whisper-tiny': 37_760_640,
};

const config = (name: string): { transformersConfig: Buffer } => ({
  transformersConfig: readFileSync(join(DIRECTORY, name, 'config.json')),
});

test('every example is one of these', () => {
  expect(readdirSync(DIRECTORY).sort()).toEqual(Object.keys(PUBLISHED).sort());
});

test.each(Object.entries(PUBLISHED))('%s has as many parameters as published', (name, parameters) => {
  const limits = { ...generousLimits, maxParameters: 1e12 };
  expect(graphSize(architectureGraph(config(name), limits)).elements).toBe(parameters);
});

test.each(Object.keys(PUBLISHED))('%s is within the default limits of a server', (name) => {
  expect(() => architectureGraph(config(name), defaultLimits)).not.toThrow();
});

test('a Llama of 70 billion parameters has few enough nodes', () => {
  const graph = architectureGraph(config('llama-3-70b'), defaultLimits);
  expect(graph.nodes).toHaveLength(1204);
  // The longest of the shortest paths: each layer's sums are two edges, before them the table, behind them the head.
  const last = graph.nodes.length - 1;
  expect(shortestPaths(graph, 1000)[last]).toBe(1 + 2 * 80 + 2);
});
