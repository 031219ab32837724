import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { LogahError } from '../../../src/errors';
import { GRAPH, MODEL, NODE } from '../../../src/onnx-file/fields';
import { encodeVarint } from '../../../src/onnx-file/wire';
import { generousLimits, violations } from '../requests';
import { field, graph, integer, model, node, tensor, type ModelText, type NodeText } from './onnx-bytes';
import { read } from './reading';

const layer: NodeText = { op: 'MatMul', in: ['x', 'w'], out: ['y'], name: 'layer' };
const linear: ModelText = { nodes: [layer], tensors: { w: [4, 3] } };

function found(content: ModelText | Uint8Array, limits = generousLimits): string[] {
  return violations(() => read(content, limits)).map(
    ({ field: where, description }) => `${where}: ${description}`,
  );
}

/** A model of raw fields of its graph beside those of the linear layer. */
const withFields = (...fields: Buffer[]): Buffer =>
  field(MODEL.graph, Buffer.concat([graph(linear), ...fields]));

test.each<[string, ModelText | Uint8Array, string | RegExp]>([
  ['nothing', Buffer.alloc(0), 'architecture.onnx: has no graph'],
  ['no graph', integer(1, 8), 'architecture.onnx: has no graph'],
  ['two graphs', Buffer.concat([model(linear), model(linear)]), 'architecture.onnx: has two graphs'],
  ['no nodes', { nodes: [], tensors: { w: [4] } }, 'architecture.onnx: has no nodes'],
  ['no outputs', { ...linear, outputs: [] }, 'architecture.onnx: has no outputs'],
  [
    'an output that nothing makes',
    { ...linear, outputs: ['z'] },
    'architecture.onnx.graph.output[0]: is "z", which nothing makes',
  ],
  [
    'an input that nothing makes',
    { nodes: [{ ...layer, in: ['v', 'w'] }], tensors: { w: [4, 3] } },
    'architecture.onnx.graph.node[0].input: node 0 "layer" ("MatMul") reads "v", which nothing makes',
  ],
  [
    'a value that is made twice',
    { ...linear, nodes: [layer, { op: 'Relu', in: ['x'], out: ['y'] }] },
    'architecture.onnx.graph.node[1].output: of node 1 ("Relu"): "y" is made elsewhere too',
  ],
  [
    'two initializers of one name',
    withFields(field(GRAPH.initializer, tensor('w', { shape: [4] }))),
    'architecture.onnx.graph.initializer[1]: "w" is the name of another initializer',
  ],
  [
    'an initializer without a name',
    withFields(field(GRAPH.initializer, tensor('', { shape: [4] }))),
    'architecture.onnx.graph.initializer[1]: has no name',
  ],
  [
    'a cycle',
    {
      nodes: [
        { op: 'MatMul', in: ['b', 'w'], out: ['a'], name: 'first' },
        { op: 'Relu', in: ['a'], out: ['b'], name: 'second' },
        { op: 'Add', in: ['b', 'x'], out: ['y'] },
      ],
      tensors: { w: [4, 4] },
    },
    /^architecture\.onnx: has a cycle: node . "\w+" \("\w+"\) -> node . "\w+" \("\w+"\)$/,
  ],
  [
    'an operator that is not read',
    { ...linear, nodes: [{ ...layer, op: 'ImageDecoder' }] },
    'architecture.onnx: node 0 "layer" ("ImageDecoder") is of an operator that is not supported; leave it out of the ' +
      'exported part, if it has no weights',
  ],
  [
    'an operator of the name of a property of every object',
    { ...linear, nodes: [{ ...layer, op: 'constructor' }] },
    'architecture.onnx: node 0 "layer" ("constructor") is of an operator that is not supported; leave it out of the ' +
      'exported part, if it has no weights',
  ],
  [
    'an operator of another domain',
    { ...linear, nodes: [{ ...layer, domain: 'com.microsoft' }] },
    'architecture.onnx: node 0 "layer" ("MatMul") is of an operator of the domain "com.microsoft" that is not supported; ' +
      "export the model with ONNX's own operators, or send it from before it was optimised or quantised",
  ],
  [
    'a loop',
    { ...linear, nodes: [{ ...layer, op: 'Loop', graph: graph(linear) }] },
    'architecture.onnx: node 0 "layer" ("Loop") has a graph inside, which is not supported: export the network with its ' +
      'loops unrolled, for one fixed length',
  ],
  [
    'a choice of one branch',
    { ...linear, nodes: [{ ...layer, op: 'If', graph: graph(linear) }] },
    'architecture.onnx: node 0 "layer" ("If") lacks a branch',
  ],
  [
    'weights of a few bits each',
    { ...linear, nodes: [{ ...layer, op: 'MatMulNBits', domain: 'com.microsoft' }] },
    'architecture.onnx: node 0 "layer" ("MatMulNBits") has weights packed in a few bits each; send the model from before ' +
      'its quantisation',
  ],
  [
    'a text of Git LFS in its place',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n'),
    'architecture.onnx: is a Git LFS pointer, not the model; fetch it with git lfs pull',
  ],
  [
    'a weight of a negative size',
    { ...linear, tensors: { w: [-4, 3] } },
    'architecture.onnx: tensor "w" has the shape [-4,3]',
  ],
  [
    'a weight of more elements than can be counted',
    { ...linear, tensors: { w: [2 ** 40, 2 ** 40] } },
    'architecture.onnx: tensor "w" has the shape [1099511627776,1099511627776]',
  ],
  [
    'no weights',
    { nodes: [{ op: 'Relu', in: ['x'], out: ['y'] }] },
    'architecture.onnx: has no weights that an output depends on',
  ],
  [
    'a name that is not UTF-8',
    withFields(field(GRAPH.node, field(NODE.name, Buffer.from([0xff, 0xfe])))),
    'architecture.onnx.graph.node[1].name: is not UTF-8',
  ],
  [
    'a field of the wrong type',
    withFields(field(GRAPH.node, integer(NODE.input, 3))),
    'architecture.onnx.graph.node[1].input[0]: has wire type 0; 2 is expected',
  ],
  [
    'sparse weights',
    withFields(field(GRAPH.sparseInitializer, Buffer.alloc(0))),
    'architecture.onnx: has sparse initializers; export the model with dense ones',
  ],
  [
    'a length beyond its end',
    Buffer.concat([encodeVarint(MODEL.graph * 8 + 2), encodeVarint(2 ** 40)]),
    'architecture.onnx: is not an ONNX file, or cut short: field 7 at byte 0 has 1099511627776 bytes, of which 0 are there',
  ],
  [
    'a number without an end',
    Buffer.alloc(20, 0xff),
    'architecture.onnx: is not an ONNX file, or cut short: a number at byte 0 does not end',
  ],
  [
    'a wire type of old',
    Buffer.from([0x0b]),
    'architecture.onnx: is not an ONNX file, or cut short: wire type 3 at byte 0',
  ],
])('a file with %s is refused', (_, content, expected) => {
  const [message, ...others] = found(content);
  expect(message).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  expect(others).toEqual([]);
});

test('a file cut short anywhere is refused', () => {
  const whole = model(linear);
  const start = 2 + whole.indexOf(field(GRAPH.node, node(layer)));
  for (let end = start; end < whole.length; end++)
    expect(() => read(whole.subarray(0, end))).toThrow(LogahError);
});

describe('limits', () => {
  const limits = { maxNodes: 20, maxParameters: 1000 };

  it('are those of any graph', () => {
    const layers = Array.from({ length: 21 }, (_, index): NodeText => {
      const [from, to] = [index === 0 ? 'x' : `v${index - 1}`, index === 20 ? 'y' : `v${index}`];
      return { op: 'MatMul', in: [from, 'w'], out: [to] };
    });
    expect(found({ nodes: layers, tensors: { w: [4, 4] } }, limits)).toEqual([
      'architecture.onnx: has more than 20 nodes; this server allows 20 (--max-nodes)',
    ]);
    expect(found({ nodes: [layer], tensors: { w: [40, 40] } }, limits)).toEqual([
      'architecture.graph: has 1,600 parameters; this server allows 1,000 (--max-parameters)',
    ]);
  });

  it.each([
    [
      'empty nodes',
      withFields(Buffer.concat(Array.from({ length: 5000 }, () => field(GRAPH.node, Buffer.alloc(0))))),
    ],
    [
      'numbers in one field',
      withFields(field(GRAPH.node, field(NODE.attribute, field(8, Buffer.alloc(5000))))),
    ],
    ['unknown fields', Buffer.concat(Array.from({ length: 5000 }, () => integer(99, 0)))],
    [
      'values in an attribute',
      model({ ...linear, nodes: [{ ...layer, ints: { axes: new Array<number>(5000).fill(1) } }] }),
    ],
  ])('bound what is read: %s', (_, bytes) => {
    expect(found(bytes, limits)).toEqual([
      'architecture.onnx: has more than 4000 fields; this server allows 200 times --max-nodes',
    ]);
  });

  it('bound the dimensions of a tensor', () => {
    expect(found(model({ ...linear, tensors: { w: new Array<number>(17).fill(1) } }))).toEqual([
      'architecture.onnx.graph.initializer[0].dims: has more than 16 dimensions',
    ]);
  });

  it('bound the values that are joined without a node', () => {
    const width = 99;
    const layers = Array.from({ length: width }, (_, index): NodeText => ({
      op: 'MatMul',
      in: ['x', 'w'],
      out: [`v${index}`],
    }));
    // Each product joins all that were joined before.
    const products = Array.from({ length: 1500 }, (_, index): NodeText => ({
      op: 'Mul',
      in: [index === 0 ? 'v0' : `p${index - 1}`, `v${index % width}`],
      out: [`p${index}`],
    }));
    const content = { nodes: [...layers, ...products], tensors: { w: [2, 2] }, outputs: ['p1499'] };
    expect(found(content, { maxNodes: 100, maxParameters: 1000 })).toEqual([
      'architecture.onnx: joins more values than this server allows (100 times --max-nodes)',
    ]);
  });
});

describe('lists as long as a request may have', () => {
  const limits = { maxNodes: 2048, maxParameters: 1e9 };
  const COUNT = 300_000;
  const packed = (number: number): Buffer => field(number, Buffer.alloc(COUNT, 2));

  it('are read where they say nothing', () => {
    const dilations = field(NODE.attribute, Buffer.concat([field(1, Buffer.from('dilations')), packed(8)]));
    const convolution = node({ op: 'Conv', in: ['x', 'k'], out: ['y'] });
    const kernel = field(GRAPH.initializer, tensor('k', { shape: [8, 4, 3, 3] }));
    const empty = graph({ nodes: [] });
    const bytes = Buffer.concat([empty, kernel, field(GRAPH.node, Buffer.concat([convolution, dilations]))]);
    expect(read(field(MODEL.graph, bytes), limits).nodes).toHaveLength(2);
  });

  it('are read where they name one value again and again', () => {
    const h = new Array<string>(COUNT / 3).fill('h');
    for (const op of ['Concat', 'Sum', 'LSTM']) {
      const nodes = [
        { ...layer, out: ['h'] },
        { op, in: h, out: ['y'] },
      ];
      expect(read({ nodes, tensors: { w: [4, 3] } }, limits).nodes).toHaveLength(2);
    }
  });

  it('are refused as dimensions', () => {
    const bytes = withFields(field(GRAPH.initializer, packed(1)));
    expect(found(bytes, limits)).toEqual([
      'architecture.onnx.graph.initializer[1].dims: has more than 16 dimensions',
    ]);
  });

  it('are refused as weights that are computed with each other', () => {
    const names = Array.from({ length: 65 }, (_, index) => `w${index}`);
    const nodes: NodeText[] = [
      { op: 'Concat', in: names, out: ['all'] },
      { op: 'MatMul', in: ['x', 'all'], out: ['y'] },
    ];
    const tensors = Object.fromEntries(names.map((name) => [name, [4, 4]]));
    expect(found({ nodes, tensors }, limits)).toEqual([
      'architecture.onnx: computes 65 weights with each other, "w0" among them; at most 64 are allowed',
    ]);
  });
});

test('outputs without a name lead nowhere', () => {
  const nodes: NodeText[] = [
    layer,
    { op: 'Mul', in: ['y', 's'], out: ['z'] },
    { op: 'Reshape', in: ['z', ''], out: ['', 'q'] },
  ];
  const graphs = { nodes, tensors: { w: [4, 3], s: [3] }, outputs: ['q'] };
  expect(read(graphs).parameters).toHaveLength(2);
});

test('weights of which the data lies elsewhere, or is there, are read by their shapes', () => {
  const elsewhere = Buffer.concat([tensor('w', { shape: [4, 3] }), integer(14, 1)]);
  const content = field(
    MODEL.graph,
    Buffer.concat([graph({ nodes: [layer] }), field(GRAPH.initializer, elsewhere)]),
  );
  expect(read(content)).toEqual(read(linear));
  expect(read({ nodes: [layer], tensors: { w: { shape: [4, 3], raw: Buffer.alloc(48) } } })).toEqual(
    read(linear),
  );
});

test('what no output depends on is left out, even where it is not read', () => {
  const nodes: NodeText[] = [layer, { op: 'DeformConv', in: ['x', 'v'], out: ['z'] }];
  expect(read({ nodes, tensors: { w: [4, 3], v: [2, 2] } })).toEqual(read(linear));
});

describe('whatever comes is a graph or a LogahError', () => {
  const limits = { maxNodes: 500, maxParameters: 1e9 };
  const accepts = (bytes: Uint8Array): boolean => {
    try {
      read(bytes, limits);
      return true;
    } catch (error) {
      if (error instanceof LogahError) return false;
      throw error;
    }
  };
  const fixtures = ['vit-dynamo', 'unpredicted', 'llama-opset23-dynamo'].map((name) =>
    readFileSync(join(__dirname, '..', '..', 'fixtures', 'onnx', `${name}.onnx`)),
  );

  it('of random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        accepts(bytes);
      }),
    );
  });

  it('of exported files with bytes changed, cut out and put in', () => {
    let accepted = 0;
    const change = fc.tuple(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat({ max: 3 }),
      fc.uint8Array({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...fixtures),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (original, changes) => {
          let bytes = Buffer.from(original);
          for (const [place, removed, added] of changes) {
            const at = Math.floor(place * bytes.length);
            bytes = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
          }
          if (accepts(bytes)) accepted += 1;
        },
      ),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThanOrEqual(0);
  });

  it('of any operators, joined in any way', () => {
    const names = [
      ...[
        'MatMul',
        'Conv',
        'Gemm',
        'Add',
        'Mul',
        'Sub',
        'Div',
        'ReduceMean',
        'Sqrt',
        'Softmax',
        'Concat',
        'Gather',
      ],
      ...[
        'GlobalAveragePool',
        'Sigmoid',
        'Transpose',
        'Reshape',
        'LayerNormalization',
        'Identity',
        'LSTM',
        'Where',
      ],
      ...[
        'Neg',
        'Slice',
        'Pow',
        'Attention',
        'InstanceNormalization',
        'Einsum',
        'PRelu',
        'MaxPool',
        'RotaryEmbedding',
      ],
    ];
    const step = fc.tuple(
      fc.constantFrom(...names),
      fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 4 }),
    );
    const tensors = { a: [4, 4], b: [4], c: [1, 5, 4], d: [4, 12], e: [8, 4, 3, 3], f: [1], g: [9, 4, 1] };
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const values = ['x', ...Object.keys(tensors)];
        const nodes = steps.map(([op, picks], index): NodeText => {
          const inputs = picks.map((pick) => values[values.length - 1 - (pick % values.length)] ?? 'x');
          const out = index === steps.length - 1 ? 'y' : `v${index}`;
          values.push(out);
          return { op, in: inputs, out: [out] };
        });
        if (accepts(model({ nodes, tensors }))) accepted += 1;
      }),
      {
        numRuns: 1000,
        // What is left of a product of vectors that are taken for statistics.
        examples: [
          [
            [
              ['MatMul', [0]],
              ['MatMul', [0]],
              ['Gemm', [13, 3, 0]],
              ['MatMul', [0]],
            ],
          ],
        ],
      },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
