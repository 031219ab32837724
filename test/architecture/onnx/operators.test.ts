import type { ModelText, NodeText } from './onnx-bytes';
import { described, origins, read } from './reading';

/** A chain of nodes, each reading the output of the one before and what stands beside it; the last makes `y`. */
function chain(
  ...steps: readonly (Omit<NodeText, 'in' | 'out'> & { readonly with?: readonly string[] })[]
): NodeText[] {
  const output = (index: number): string => (index === steps.length - 1 ? 'y' : `v${index}`);
  return steps.map(({ with: others = [], ...step }, index) => ({
    ...step,
    in: [index === 0 ? 'x' : output(index - 1), ...others],
    out: [output(index)],
  }));
}

describe('a convolution', () => {
  const kernel = (int: Record<string, number>, dilations: readonly number[]): string[] =>
    described(
      read({
        nodes: chain({ op: 'Conv', with: ['w', 'b'], int, ints: { dilations } }),
        tensors: { w: [8, 4, 3, 3], b: [8] },
      }),
    );

  it.each([
    ['conv', {}, []],
    ['conv', { group: 1 }, [2, 2]],
    ['sep_conv', { group: 2 }, [1, 2]],
    ['dil_conv', { group: 2 }, [2, 2]],
  ] as [string, Record<string, number>, number[]][])(
    'is a %s with %j and dilations %j',
    (operation, int, dilations) => {
      expect(kernel(int, dilations)).toEqual([`${operation} w [8,4,3,3] <- input`, 'bias b [8] <- w']);
    },
  );

  it('of one dimension is initialised as PyTorch does, and has no node', () => {
    const graph = read({
      nodes: chain({ op: 'Conv', with: ['w', 'b'] }, { op: 'MatMul', with: ['m'] }),
      tensors: { w: [8, 4, 4], b: [8], m: [8, 2] },
    });
    expect(described(graph)).toEqual(['conv m [2,8] <- input']);
    expect(origins(graph)).toEqual({
      w: '8 uniform 0.25',
      b: '8 uniform 0.25',
      m: 'matrix of m (classifier)',
    });
  });
});

describe('a linear layer', () => {
  it.each<[string, ModelText]>([
    [
      'a product and a sum',
      {
        nodes: chain({ op: 'MatMul', with: ['w'] }, { op: 'Add', with: ['b'] }),
        tensors: { w: [4, 6], b: [6] },
      },
    ],
    ['a Gemm', { nodes: chain({ op: 'Gemm', with: ['w', 'b'] }), tensors: { w: [4, 6], b: [6] } }],
    [
      'a sum behind a reshaping',
      {
        nodes: chain(
          { op: 'MatMul', with: ['w'] },
          { op: 'Reshape', with: ['s'] },
          { op: 'Add', with: ['b'] },
        ),
        tensors: { w: [4, 6], b: [6], s: { shape: [2], integers: [-1, 6] } },
      },
    ],
  ])('as %s is predicted as [out, in], and stored as the file has it', (_, content) => {
    const graph = read(content);
    expect(described(graph)).toEqual(['conv w [6,4] <- input', 'bias b [6] <- w']);
    expect(origins(graph)).toEqual({ w: 'matrix of w (classifier)', b: 'bias of b (classifier)' });
    expect(graph.parameters[0]).toMatchObject({ shape: [4, 6], layout: { order: [1, 0], shape: [6, 4] } });
  });

  it('with a transposed weight has its bias by the weight as it is used', () => {
    for (const content of [
      { nodes: chain({ op: 'Gemm', with: ['w', 'b'], int: { transB: 1 } }) },
      {
        nodes: [
          { op: 'Transpose', in: ['w'], out: ['t'], ints: { perm: [1, 0] } },
          { op: 'MatMul', in: ['x', 't'], out: ['p'] },
          { op: 'Add', in: ['b', 'p'], out: ['y'] },
        ],
      },
    ]) {
      const graph = read({ ...content, tensors: { w: [6, 4], b: [6] } });
      expect(described(graph)).toEqual(['conv w [6,4] <- input', 'bias b [6] <- w']);
    }
  });

  it('that exporters share with others keeps each name of its own', () => {
    const graph = read({
      nodes: [
        { op: 'Identity', in: ['b'], out: ['b2'] },
        ...chain({ op: 'Gemm', with: ['w', 'b'] }, { op: 'Gemm', with: ['w2', 'b2'] }),
      ],
      tensors: { w: [4, 4], b: [4], w2: [4, 4] },
    });
    expect(Object.keys(origins(graph))).toEqual(['w', 'b', 'w2', 'b2']);
  });
});

test('batch normalisation has a scale and a bias, and no running statistics', () => {
  const graph = read({
    nodes: chain({ op: 'BatchNormalization', with: ['s', 'b', 'm', 'v'] }),
    tensors: { s: [4], b: [4], m: [4], v: [4] },
  });
  expect(described(graph)).toEqual(['bn s [4] <- input']);
  expect(origins(graph)).toEqual({ s: 'norm_weight of s', b: 'bias of s' });
});

/** What makes a value of the first layer. */
const FIRST: NodeText = { op: 'MatMul', in: ['x', 'first'], out: ['h'] };
const TWO = { two: { shape: [], integers: [2] }, eps: [] as number[] };

describe('a normalisation that is spelled out', () => {
  const variance: NodeText[] = [
    { op: 'Pow', in: ['d', 'two'], out: ['d2'] },
    { op: 'ReduceMean', in: ['d2'], out: ['var'] },
    { op: 'Add', in: ['var', 'eps'], out: ['var_eps'] },
    { op: 'Sqrt', in: ['var_eps'], out: ['root'] },
  ];
  const centre: NodeText[] = [
    { op: 'ReduceMean', in: ['h'], out: ['mean'] },
    { op: 'Sub', in: ['h', 'mean'], out: ['d'] },
  ];
  const tensors = { first: [4, 4], g: [4], b: [4], ...TWO };

  it.each<[string, string, NodeText[]]>([
    [
      'PyTorch has it',
      'ln g [4] <- first',
      [
        ...centre,
        ...variance,
        { op: 'Div', in: ['d', 'root'], out: ['n'] },
        { op: 'Mul', in: ['n', 'g'], out: ['s'] },
        { op: 'Add', in: ['s', 'b'], out: ['y'] },
      ],
    ],
    [
      'Keras has it',
      'ln g [4] <- first',
      [
        ...centre,
        ...variance,
        { op: 'Reciprocal', in: ['root'], out: ['inverse'] },
        { op: 'Mul', in: ['inverse', 'g'], out: ['factor'] },
        { op: 'Mul', in: ['h', 'factor'], out: ['s'] },
        { op: 'Mul', in: ['mean', 'factor'], out: ['shift'] },
        { op: 'Sub', in: ['b', 'shift'], out: ['offset'] },
        { op: 'Add', in: ['s', 'offset'], out: ['y'] },
      ],
    ],
  ])('as %s is one node', (_, expected, nodes) => {
    const graph = read({ nodes: [FIRST, ...nodes], tensors });
    expect(described(graph)).toEqual(['conv first [4,4] <- input', expected]);
    expect(origins(graph)).toMatchObject({ g: 'norm_weight of g', b: 'bias of g' });
  });

  it('without a mean is an RMS norm', () => {
    const nodes: NodeText[] = [
      FIRST,
      { op: 'Mul', in: ['h', 'h'], out: ['d2'] },
      ...variance.slice(1),
      { op: 'Div', in: ['h', 'root'], out: ['n'] },
      { op: 'Mul', in: ['g', 'n'], out: ['y'] },
    ];
    expect(described(read({ nodes, tensors }))).toEqual([
      'conv first [4,4] <- input',
      'rmsnorm g [4] <- first',
    ]);
  });

  it('behind global pooling is of what was pooled', () => {
    const nodes: NodeText[] = [
      { op: 'Conv', in: ['x', 'kernel'], out: ['c'] },
      { op: 'ReduceMean', in: ['c'], out: ['h'] },
      ...centre,
      ...variance,
      { op: 'Div', in: ['d', 'root'], out: ['n'] },
      { op: 'Mul', in: ['n', 'g'], out: ['y'] },
    ];
    expect(described(read({ nodes, tensors: { ...tensors, kernel: [4, 3, 3, 3] } }))).toEqual([
      'conv kernel [4,3,3,3] <- input',
      'glob_avg h <- kernel',
      'ln g [4] <- h',
    ]);
  });
});

test('a group norm is initialised as PyTorch does, and has no node', () => {
  const graph = read({
    nodes: [
      FIRST,
      { op: 'InstanceNormalization', in: ['h', 'ones', 'zeros'], out: ['n'] },
      { op: 'Mul', in: ['n', 'g'], out: ['s'] },
      { op: 'Add', in: ['s', 'b'], out: ['y'] },
    ],
    tensors: { first: [4, 4], ones: [2], zeros: [2], g: [4, 1, 1], b: [4, 1, 1] },
  });
  expect(described(graph)).toEqual(['conv first [4,4] <- input']);
  expect(origins(graph)).toMatchObject({ g: '4 ones', b: '4 zeros' });
  expect(graph.parameters).toHaveLength(3);
});

describe('a sum', () => {
  const branches = (...last: NodeText[]): string[] =>
    described(
      read({
        nodes: [FIRST, { op: 'MatMul', in: ['h', 'second'], out: ['g'] }, ...last],
        tensors: { first: [4, 4], second: [4, 4], scale: [4], table: [1, 5, 4] },
      }),
    ).slice(2);

  it('of two branches is a node', () => {
    expect(branches({ op: 'Add', in: ['h', 'g'], out: ['y'], name: 'residual' })).toEqual([
      'sum residual <- first + second',
    ]);
  });

  it('of one branch with itself, or with what comes from the input alone, is none', () => {
    expect(branches({ op: 'Add', in: ['g', 'g'], out: ['y'] })).toEqual([]);
    expect(branches({ op: 'Add', in: ['g', 'x'], out: ['y'] })).toEqual([]);
  });

  it('with a table is a position embedding', () => {
    expect(branches({ op: 'Add', in: ['g', 'table'], out: ['y'], name: 'add' })).toEqual([
      'pos_enc table [1,4,2,2]',
      'sum add <- second + table',
    ]);
  });
});

test('the scale of a residual branch is that of ConvNeXt, another is one', () => {
  const graph = read({
    nodes: [
      FIRST,
      { op: 'Mul', in: ['h', 'other'], out: ['o'] },
      { op: 'MatMul', in: ['o', 'second'], out: ['g'] },
      { op: 'Mul', in: ['gamma', 'g'], out: ['s'] },
      { op: 'Transpose', in: ['s'], out: ['t'], ints: { perm: [0, 2, 1] } },
      { op: 'Add', in: ['t', 'h'], out: ['y'] },
    ],
    tensors: { first: [4, 4], second: [4, 4], gamma: [4], other: [4] },
  });
  expect(origins(graph)).toMatchObject({ gamma: '4 constant 0.000001', other: '4 ones' });
});

describe('a product', () => {
  it('with a gate behind global pooling is a squeeze and excitation, whose pooling is no node', () => {
    for (const op of ['GlobalAveragePool', 'ReduceMean']) {
      const graph = read({
        nodes: [
          { op: 'Conv', in: ['x', 'kernel'], out: ['h'] },
          { op, in: ['h'], out: ['p'] },
          { op: 'Conv', in: ['p', 'down', 'b'], out: ['d'] },
          { op: 'Relu', in: ['d'], out: ['r'] },
          { op: 'Conv', in: ['r', 'up'], out: ['u'] },
          { op: 'Sigmoid', in: ['u'], out: ['gate'] },
          { op: 'Mul', in: ['gate', 'h'], out: ['y'], name: 'mul' },
        ],
        tensors: { kernel: [8, 3, 3, 3], down: [2, 8, 1, 1], b: [2], up: [8, 2, 1, 1] },
      });
      expect(described(graph)).toEqual([
        'conv kernel [8,3,3,3] <- input',
        'conv down [2,8,1,1] <- kernel',
        'bias b [2] <- down',
        'conv up [8,2,1,1] <- b',
        'cse mul <- kernel + up',
      ]);
    }
  });

  it('of a layer and an activated one on the same input is a gate', () => {
    const graph = read({
      nodes: [
        FIRST,
        { op: 'MatMul', in: ['h', 'gate'], out: ['g'] },
        { op: 'Sigmoid', in: ['g'], out: ['sigmoid'] },
        { op: 'Mul', in: ['g', 'sigmoid'], out: ['silu'] },
        { op: 'MatMul', in: ['h', 'up'], out: ['u'] },
        { op: 'Mul', in: ['silu', 'u'], out: ['y'], name: 'mul' },
      ],
      tensors: { first: [4, 4], gate: [4, 8], up: [4, 8] },
    });
    expect(described(graph).slice(-1)).toEqual(['gate mul <- gate + up']);
    expect(origins(graph)).toMatchObject({ gate: 'matrix of gate', up: 'matrix of up slot 1' });
  });
});

describe('attention', () => {
  const tensors = {
    q: [4, 4],
    k: [4, 4],
    v: [4, 4],
    first: [4, 4],
    table: [9, 2],
    index: { shape: [25], integers: [1] },
  };
  const scores: NodeText[] = [
    FIRST,
    ...['q', 'k', 'v'].map((part): NodeText => ({ op: 'MatMul', in: ['h', part], out: [`${part}_`] })),
    { op: 'Transpose', in: ['k_'], out: ['kt'], ints: { perm: [0, 1, 3, 2] } },
    { op: 'MatMul', in: ['q_', 'kt'], out: ['scores'] },
  ];

  it('reads its queries, keys and values, told apart by slots', () => {
    const graph = read({
      nodes: [
        ...scores,
        { op: 'Add', in: ['scores', 'x'], out: ['masked'] },
        { op: 'Softmax', in: ['masked'], out: ['weights'] },
        { op: 'MatMul', in: ['weights', 'v_'], out: ['y'], name: 'attend' },
      ],
      tensors,
    });
    expect(described(graph).slice(-1)).toEqual(['msa attend.softmax <- q + k + v']);
    expect(origins(graph)).toMatchObject({
      q: 'matrix of q',
      k: 'matrix of k slot 1',
      v: 'matrix of v slot 2',
    });
  });

  it('has tables of relative positions by rule', () => {
    const graph = read({
      nodes: [
        ...scores,
        { op: 'Gather', in: ['table', 'index'], out: ['looked_up'] },
        { op: 'Transpose', in: ['looked_up'], out: ['relative'], ints: { perm: [1, 0] } },
        { op: 'Add', in: ['scores', 'relative'], out: ['biased'] },
        { op: 'Softmax', in: ['biased'], out: ['weights'] },
        { op: 'MatMul', in: ['weights', 'v_'], out: ['y'], name: 'attend' },
      ],
      tensors,
    });
    expect(origins(graph).table).toBe('9 truncated_normal 0.02');
    expect(described(graph).slice(-1)).toEqual(['msa attend.softmax <- q + k + v']);
  });

  it('of one fused layer has its weight in three parts, along the side of the results', () => {
    for (const [shape, transposed] of [
      [[4, 12], false],
      [[12, 4], true],
    ] as const) {
      const graph = read({
        nodes: [
          { op: 'Gemm', in: ['x', 'qkv', 'b'], out: ['all'], int: { transB: transposed ? 1 : 0 } },
          { op: 'Split', in: ['all'], out: ['q_', 'k_', 'v_'], int: { axis: -1 } },
          { op: 'MatMul', in: ['q_', 'k_'], out: ['scores'] },
          { op: 'Softmax', in: ['scores'], out: ['weights'] },
          { op: 'MatMul', in: ['weights', 'v_'], out: ['y'], name: 'attend' },
        ],
        tensors: { qkv: [...shape], b: [12] },
      });
      expect(described(graph).slice(-1)).toEqual(['msa attend.softmax <- b']);
      expect(origins(graph)).toEqual({
        qkv: 'matrix of qkv, matrix of qkv slot 1, matrix of qkv slot 2',
        b: 'bias of b, bias of b slot 1, bias of b slot 2',
      });
      expect(graph.parameters.map(({ axis }) => axis)).toEqual([transposed ? 0 : 1, 0]);
    }
  });

  it('is not what a softmax of classes is', () => {
    const nodes: NodeText[] = [FIRST, { op: 'Softmax', in: ['h'], out: ['y'] }];
    expect(described(read({ nodes, tensors }))).toEqual(['conv first [4,4] <- input']);
  });
});

test('rotary embeddings of queries and keys are nodes, and their cosines and sines no parameters', () => {
  const rotated = (of: string): NodeText[] => [
    { op: 'Slice', in: [of], out: [`${of}1`] },
    { op: 'Slice', in: [of], out: [`${of}2`] },
    { op: 'Neg', in: [`${of}2`], out: [`${of}n`] },
    { op: 'Concat', in: [`${of}n`, `${of}1`], out: [`${of}r`] },
    { op: 'Mul', in: [of, 'cosine'], out: [`${of}c`] },
    { op: 'Mul', in: [`${of}r`, 'sine'], out: [`${of}s`] },
    { op: 'Add', in: [`${of}c`, `${of}s`], out: [`${of}_rotated`], name: `turn_${of}` },
  ];
  const graph = read({
    nodes: [
      { op: 'MatMul', in: ['frequencies', 'x'], out: ['angles'] },
      { op: 'Cos', in: ['angles'], out: ['cosine'] },
      { op: 'Sin', in: ['angles'], out: ['sine'] },
      ...['q', 'k'].flatMap((part): NodeText[] => [
        { op: 'MatMul', in: ['x', `${part}_proj`], out: [part] },
        ...rotated(part),
      ]),
      { op: 'MatMul', in: ['q_rotated', 'k_rotated'], out: ['scores'] },
      { op: 'Softmax', in: ['scores'], out: ['weights'] },
      { op: 'MatMul', in: ['weights', 'q'], out: ['y'], name: 'attend' },
    ],
    tensors: { frequencies: [2, 1], q_proj: [4, 4], k_proj: [4, 4] },
  });
  expect(described(graph)).toEqual([
    'conv q_proj [4,4] <- input',
    'conv k_proj [4,4] <- input',
    'rot_emb turn_q.rotary <- q_proj',
    'rot_emb turn_k.rotary <- k_proj',
    'msa attend.softmax <- q_proj + turn_q.rotary + turn_k.rotary',
  ]);
  expect(Object.keys(origins(graph))).toEqual(['q_proj', 'k_proj']);
});

test('an embedding table that the head shares is a linear layer, and the head no node', () => {
  const nodes: NodeText[] = [
    { op: 'Gather', in: ['table', 'x'], out: ['h'] },
    { op: 'LayerNormalization', in: ['h', 'g', 'b'], out: ['n'] },
    { op: 'Transpose', in: ['table'], out: ['t'], ints: { perm: [1, 0] } },
    { op: 'MatMul', in: ['n', 't'], out: ['y'] },
  ];
  const tensors = { table: [50, 4], g: [4], b: [4] };
  const tied = read({ nodes, tensors });
  expect(described(tied)).toEqual(['conv table [50,4] <- input', 'ln g [4] <- table']);
  expect(origins(tied).table).toBe('matrix of table');
  const untied = read({
    nodes: nodes
      .slice(0, 2)
      .map((node) => ({ ...node, out: node.out.map((name) => (name === 'n' ? 'y' : name)) })),
    tensors,
  });
  expect(origins(untied).table).toBe('embedding of table');
});

test('a class token is noise, and its position is no part of the square', () => {
  const graph = read({
    nodes: [
      FIRST,
      { op: 'Concat', in: ['token', 'h'], out: ['c'], int: { axis: 1 } },
      { op: 'Add', in: ['c', 'positions'], out: ['y'], name: 'add' },
    ],
    tensors: { first: [4, 4], token: [1, 1, 4], positions: [1, 10, 4] },
  });
  expect(described(graph).slice(1)).toEqual(['pos_enc positions [1,4,3,3]', 'sum add <- first + positions']);
  expect(origins(graph)).toMatchObject({
    token: '1 truncated_normal 0.02',
    positions: '1 truncated_normal 0.02, matrix of positions',
  });
});

test('recurrent weights are uniform by the hidden size, as PyTorch draws them', () => {
  const graph = read({
    nodes: chain(
      { op: 'LSTM', with: ['w', 'r', 'b'], int: { hidden_size: 16 } },
      { op: 'MatMul', with: ['m'] },
    ),
    tensors: { w: [1, 64, 8], r: [1, 64, 16], b: [1, 128], m: [16, 2] },
  });
  expect(origins(graph)).toMatchObject({ w: '1 uniform 0.25', r: '1 uniform 0.25', b: '1 uniform 0.25' });
});

test('pools have the shape of their window', () => {
  const nodes = chain(
    { op: 'Conv', with: ['w'] },
    { op: 'MaxPool', name: 'max', ints: { kernel_shape: [3, 2] } },
    { op: 'AveragePool', name: 'mean', ints: { kernel_shape: [2] } },
  );
  expect(described(read({ nodes, tensors: { w: [4, 3, 3, 3] } })).slice(1)).toEqual([
    'max_pool max [1,1,3,2] <- w',
    'avg_pool mean <- max',
  ]);
});

test('branches that are joined side by side are a concat', () => {
  const nodes: NodeText[] = [
    FIRST,
    { op: 'MatMul', in: ['h', 'second'], out: ['g'] },
    { op: 'Concat', in: ['h', 'g', 'x'], out: ['y'], name: 'join', int: { axis: 1 } },
  ];
  expect(described(read({ nodes, tensors: { first: [4, 4], second: [4, 4] } })).slice(2)).toEqual([
    'concat join <- first + second',
  ]);
});

test('numbers that the image is scaled by are no parameters', () => {
  const nodes = chain(
    { op: 'Sub', with: ['mean'] },
    { op: 'Div', with: ['deviation'] },
    { op: 'Conv', with: ['w'] },
  );
  const graph = read({ nodes, tensors: { mean: [3, 1, 1], deviation: [3, 1, 1], w: [4, 3, 3, 3] } });
  expect(Object.keys(origins(graph))).toEqual(['w']);
});

test('scales of a resizing are no parameters, whatever they are called', () => {
  const graph = read({
    nodes: [
      { op: 'Conv', in: ['x', 'w'], out: ['c'] },
      { op: 'Resize', in: ['c', '', 'up.weight'], out: ['r'], name: 'up' },
      { op: 'Conv', in: ['r', 'v'], out: ['y'] },
    ],
    tensors: { w: [4, 3, 3, 3], v: [2, 4, 1, 1], 'up.weight': [4] },
  });
  expect(graph.parameters.map(({ name }) => name)).toEqual(['w', 'v']);
  expect(graph.constants).toEqual([{ name: 'up.weight', shape: [4], reason: 'the scales of a resizing' }]);
});
