import { architectureGraph } from '../../src/architecture';
import { toProtoGraph } from '../../src/architecture/explicit-graph';
import { parseGraphJson } from '../../src/architecture/graph-json';
import { graphSize } from '../../src/graph/limits';
import { validateGraph } from '../../src/graph/validate';
import { goldenConfig, goldenGraphText, goldenNames, writeGoldenGraph } from './golden-graphs';
import { fromConfig, generousLimits, received } from './requests';

describe.each(goldenNames)('golden graph %s', (name) => {
  const graph = architectureGraph({ transformersConfig: goldenConfig(name) }, generousLimits);
  if (process.env.UPDATE_GOLDEN_GRAPHS) writeGoldenGraph(name, toProtoGraph(graph));

  test('is what the configuration stands for', () => {
    expect(toProtoGraph(graph)).toEqual(parseGraphJson(goldenGraphText(name)));
  });

  test('keeps the rules of explicit graphs', () => {
    expect(() => {
      validateGraph(graph, generousLimits);
    }).not.toThrow();
  });

  test('comes back from the wire as it went', () => {
    const back = architectureGraph(received({ graph: toProtoGraph(graph) }), generousLimits);
    // What the wire does not carry.
    const parameters = graph.parameters.map((parameter) => ({
      ...parameter,
      inputAxis: undefined,
      feeding: undefined,
    }));
    expect(back).toEqual({ ...graph, parameters, sizes: {}, widths: undefined });
  });
});

test('ViT-Base has as many parameters as published', () => {
  const graph = fromConfig({ model_type: 'vit', num_labels: 1000 });
  expect(graphSize(graph)).toMatchObject({ elements: 86_567_656, nodes: 212, tensors: 200 });
});

test('GPT-2 and GPT-2-XL have as many parameters as published', () => {
  expect(graphSize(fromConfig({ model_type: 'gpt2' }))).toMatchObject({
    elements: 124_439_808,
    tensors: 149,
  });
  const xl = fromConfig({ model_type: 'gpt2', n_embd: 1600, n_layer: 48, n_head: 25 });
  expect(graphSize(xl).elements).toBe(1_557_611_200);
});
