import type { ArchitectureGraph, Block } from '../../src/graph/graph';
import { checkDecodable } from '../../src/plan/decodable';
import { linearGraph, node, predicted, predictedBlock } from '../graph/sample-graphs';
import { hypernetConfig } from '../support/hypernet-config';
import { refusalOf } from '../support/refusal';

const fill = (length: number): Block => ({
  length,
  origin: { kind: 'initialization', rule: 'normal', standardDeviation: 1 },
});

function graphOf(
  shape: readonly number[],
  changes: { axis?: number; blocks?: Block[]; nodeShape?: number[] } = {},
) {
  const { axis = 0, blocks, nodeShape = shape } = changes;
  const parameter = { ...predicted('weight', shape, 1, 'matrix'), axis, ...(blocks && { blocks }) };
  const nodes = [node('input', 'input'), node('weight', 'conv', nodeShape)];
  return linearGraph({ nodes, edges: [{ source: 0, target: 1 }], parameters: [parameter] });
}

async function misfit(graph: ArchitectureGraph, config = hypernetConfig()): Promise<string> {
  const error = await refusalOf(() => {
    checkDecodable(graph, config);
  });
  expect(error.kind).toBe('invalid_argument');
  expect(error.violations[0]?.field).toBe('architecture');
  return error.violations[0]?.description ?? '';
}

describe('a parameter is refused before anything is decoded', () => {
  it.each([
    [[4, 4, 129, 3], 129],
    [[4, 4, 3, 1000], 1000],
  ])('where its kernel %j is larger than the factors', async (shape, side) => {
    expect(await misfit(graphOf(shape))).toBe(
      `parameter "weight" has kernels of side ${side}; this model's factors have 128 rows, so at most 128 is allowed`,
    );
  });

  it('where its square of positions is larger than the factors', async () => {
    const graph = graphOf([1, 129 * 129, 4], { nodeShape: [1, 4, 129, 129] });
    expect(await misfit(graph)).toContain('has a square of side 129');
  });

  it('where its slot is none of the model’s', async () => {
    const graph = graphOf([4, 3], { blocks: [predictedBlock(4, 1, 'matrix', 3)] });
    expect(await misfit(graph, hypernetConfig({ slots: 3 }))).toBe(
      'parameter "weight" has slot 3; this model has 3, so 0 to 2 are allowed',
    );
    expect(() => {
      checkDecodable(graph, hypernetConfig({ slots: 4 }));
      checkDecodable(graph, hypernetConfig({ slots: 1 }));
    }).not.toThrow();
  });

  it('where a row alone is more than a tile may be', async () => {
    expect(await misfit(graphOf([2, 2 ** 22 + 1]))).toBe(
      'parameter "weight" of shape [2,4194305] has 4194305 elements a row; at most 4194304 are allowed',
    );
  });

  it('where a dense decoder would make too large a block', async () => {
    const dense = hypernetConfig({ decoder: 'dense', rank: 0, ck: 0 });
    expect(await misfit(graphOf([64, 32, 100, 100]), dense)).toBe(
      'parameter "weight" needs a decoded block [64,32,100,100] of 20480000 elements; at most 16777216 are allowed',
    );
    expect(await misfit(graphOf([1, 4000 * 4000, 32], { nodeShape: [1, 32, 4000, 4000] }), dense)).toContain(
      'needs a decoded block [1,32,4000,4000]',
    );
  });

  it.each([
    [[4, 3, 6], 2, '0 or 1'],
    [[4, 3, 6, 6], 2, '0 or 1'],
    [[4, 3, 6, 6], 3, '0 or 1'],
  ])('where the blocks of %j are joined along dimension %d', async (shape, axis, allowed) => {
    const graph = graphOf(shape, { axis, blocks: [fill(2), fill(4)] });
    expect(await misfit(graph)).toContain(
      `has blocks joined along dimension ${axis}; only ${allowed} is allowed`,
    );
  });
});

it.each([
  graphOf([4, 4, 128, 128]),
  graphOf([1, 128 * 128, 4], { nodeShape: [1, 4, 128, 128] }),
  graphOf([1, 2 ** 22]),
  graphOf([1, 5, 6], { axis: 2, blocks: [fill(2), fill(4)] }),
  graphOf([4, 3, 6, 6], { axis: 1, blocks: [fill(1), predictedBlock(2, 1)] }),
  graphOf([4, 3, 6, 6], { axis: 3, blocks: [fill(6)] }),
])('a parameter at the limit is accepted', (graph) => {
  expect(() => {
    checkDecodable(graph, hypernetConfig());
  }).not.toThrow();
});
