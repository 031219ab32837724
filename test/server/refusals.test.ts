import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { DataType } from '../../src/gen/logah/v1/DataType';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { LogahService } from '../../src/contract/service-clients';
import { BUNDLE } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { framed, openSession, path, rawCall, type Ending } from '../support/raw-call';
import { describeFailure, refusedRequest, refusedStream } from '../support/refused-call';
import { startServer, type ServerProcess } from '../support/server-process';

const PATH = path('Predict');

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({
    models: BUNDLE,
    flags: ['--max-nodes', '60', '--max-parameters', '100000', '--max-request-bytes', '1048576'],
  });
});

afterEach(async () => {
  // Whatever was refused, the server goes on.
  const { data } = await predictAll(server.client, { architecture: { graph: GRAPH } });
  expect(data.length).toBe(64);
  expect(server.logs.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
});

afterAll(async () => {
  await server.stop();
});

/** A linear layer on the input. */
const GRAPH: ArchitectureGraph = {
  nodes: [
    { name: 'input', operation: 'input' },
    { name: 'weight', operation: 'conv', shape: [4, 3] },
    { name: 'bias', operation: 'bias', shape: [4] },
  ],
  edges: [
    { source: 0, target: 1 },
    { source: 1, target: 2 },
  ],
  parameters: [
    { name: 'weight', shape: [4, 3], blocks: [{ length: 4, prediction: { node: 1, role: 'ROLE_MATRIX' } }] },
    { name: 'bias', shape: [4], blocks: [{ length: 4, prediction: { node: 2, role: 'ROLE_BIAS' } }] },
  ],
};

const withGraph = (changes: Partial<ArchitectureGraph>): PredictRequest => ({
  architecture: { graph: { ...GRAPH, ...changes } },
});
/** The layer with an operation of any name, so that nothing of it is predicted where the model does not know it. */
const ofOperation = (operation: string): PredictRequest =>
  withGraph({
    nodes: (GRAPH.nodes ?? []).map((node, index) => (index === 0 ? node : { ...node, operation })),
  });
const withConfig = (text: string): PredictRequest => ({
  architecture: { transformersConfig: Buffer.from(text) },
});
const withOptions = (options: PredictRequest): PredictRequest => ({
  architecture: { graph: GRAPH },
  ...options,
});

/** One parameter of `shape` alone, by the node of `nodeShape`. */
const withParameter = (shape: number[], nodeShape = shape): PredictRequest =>
  withGraph({
    nodes: [
      { name: 'input', operation: 'input' },
      { name: 'weight', operation: 'conv', shape: nodeShape },
    ],
    edges: [{ source: 0, target: 1 }],
    parameters: [
      {
        name: 'weight',
        shape,
        blocks: [{ length: shape[0] ?? 1, prediction: { node: 1, role: 'ROLE_MATRIX' } }],
      },
    ],
  });

const chain = (count: number): Partial<ArchitectureGraph> => ({
  nodes: Array.from({ length: count }, (_, index) => ({
    name: `n${index}`,
    operation: index === 0 ? 'input' : 'sum',
  })),
  edges: Array.from({ length: count - 1 }, (_, index) => ({ source: index, target: index + 1 })),
});

const { INVALID_ARGUMENT, NOT_FOUND } = status;
/** Not in the contract's table; protobuf lets it pass. */
const UNKNOWN_DTYPE = 42 as unknown as DataType;

describe('a request is refused', () => {
  it.each([
    [
      'without an architecture',
      {},
      INVALID_ARGUMENT,
      'architecture',
      'is missing; graph, transformers_config or onnx must be set',
    ],
    ['with an empty architecture', { architecture: {} }, INVALID_ARGUMENT, 'architecture', 'is missing'],
    [
      'with an empty graph',
      { architecture: { graph: {} } },
      INVALID_ARGUMENT,
      'architecture.graph.nodes',
      'is empty',
    ],
    [
      'with an empty configuration',
      withConfig(''),
      INVALID_ARGUMENT,
      'architecture.transformers_config',
      'is not JSON',
    ],
    [
      'with a configuration that is not JSON',
      withConfig('{"a": '),
      INVALID_ARGUMENT,
      'architecture.transformers_config',
      'is not JSON',
    ],
    [
      'with a configuration that is not UTF-8',
      { architecture: { transformersConfig: Buffer.from([0xff]) } },
      INVALID_ARGUMENT,
      'architecture.transformers_config',
      'is not UTF-8',
    ],
    [
      'with emojis that are no JSON',
      withConfig(`{"a": ${'😀'.repeat(100)}`),
      INVALID_ARGUMENT,
      'architecture.transformers_config',
      'is not JSON',
    ],
    [
      'with an unknown model type',
      withConfig('{"model_type": "rwkv"}'),
      NOT_FOUND,
      'architecture.transformers_config.model_type',
      /no front-end reads "rwkv"; supported are bart, bert, .*gpt2, .*llama,/,
    ],
    [
      'with an unknown model',
      withOptions({ model: 'gpt-9' }),
      NOT_FOUND,
      'model',
      'is "gpt-9"; there are: parity-logah; built-in starts: default, mup_orthogonal, orthogonal, small, torchtitan',
    ],
    [
      'with a cycle',
      withGraph({ edges: [...(GRAPH.edges ?? []), { source: 2, target: 1 }] }),
      INVALID_ARGUMENT,
      'architecture.graph.edges',
      /cycle/,
    ],
    [
      'of unknown operations alone',
      ofOperation('gate'),
      INVALID_ARGUMENT,
      'architecture.graph.nodes[1].operation',
      /"gate" is not an operation of this model: parity-logah knows max_pool, .*glob_avg; no model here/,
    ],
    [
      'that is strict, with a configuration of operations that the model does not know',
      {
        ...withConfig(
          '{"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}',
        ),
        strict: true,
      },
      INVALID_ARGUMENT,
      'architecture',
      /has the operation "rmsnorm" \(model.layers.0.input_layernorm.weight\): parity-logah knows max_pool, .*; no model here/,
    ],
    [
      'with an emoji cut in half by its error',
      ofOperation(`a${'😀'.repeat(60)}`),
      INVALID_ARGUMENT,
      'architecture.graph.nodes[1].operation',
      'is not an operation of this model',
    ],
    [
      'with too many nodes',
      withGraph(chain(61)),
      INVALID_ARGUMENT,
      'architecture.graph',
      'has 61 nodes; this server allows 60 (--max-nodes)',
    ],
    [
      'with too many parameters',
      withParameter([1000, 101]),
      INVALID_ARGUMENT,
      'architecture.graph',
      'has 101,000 parameters; this server allows 100,000 (--max-parameters)',
    ],
    [
      'with a configuration of too many parameters',
      withConfig('{"model_type": "gpt2"}'),
      INVALID_ARGUMENT,
      'architecture.transformers_config',
      /has [\d,]+ (nodes|parameters); this server allows/,
    ],
    [
      'with a kernel beyond the decoder',
      withParameter([1, 1, 4097, 1]),
      INVALID_ARGUMENT,
      'architecture',
      'parameter "weight" has kernels of side 4097; this model\'s factors have 4096 rows, so at most 4096 is allowed',
    ],
    [
      'of too many fields to be parsed',
      withGraph({ nodes: Array.from({ length: 12_000 }, () => ({})) }),
      INVALID_ARGUMENT,
      'architecture',
      'has more than 12000 fields; this server allows 200 times --max-nodes',
    ],
    [
      'that is strict and has a parameter filled by rule',
      {
        ...withGraph({
          parameters: [
            ...(GRAPH.parameters ?? []),
            {
              name: 'scale',
              shape: [4],
              blocks: [{ length: 4, initialization: { rule: 'RULE_CONSTANT', value: 1e-6 } }],
            },
          ],
        }),
        strict: true,
      },
      INVALID_ARGUMENT,
      'architecture',
      'parameter "scale" of shape [4] is not predicted: 4 of 4 elements would be filled by rule',
    ],
    [
      'with chunks too small',
      withOptions({ chunkBytes: 4095 }),
      INVALID_ARGUMENT,
      'chunk_bytes',
      'is 4095; 0 or 4096 to 4194304 is allowed',
    ],
    [
      'with chunks too large',
      withOptions({ chunkBytes: 4194305 }),
      INVALID_ARGUMENT,
      'chunk_bytes',
      'is 4194305; 0 or 4096 to 4194304 is allowed',
    ],
    [
      'with an unknown element type',
      withOptions({ dtype: UNKNOWN_DTYPE }),
      INVALID_ARGUMENT,
      'dtype',
      /is 42; allowed: DATA_TYPE_UNSPECIFIED, .*DATA_TYPE_BFLOAT16/,
    ],
    [
      'with a seed of 2^53',
      withOptions({ seed: '9007199254740992' }),
      INVALID_ARGUMENT,
      'seed',
      'is 9007199254740992; at most 9007199254740991 is allowed',
    ],
    [
      'with the largest seed of 64 bits',
      withOptions({ seed: '18446744073709551615' }),
      INVALID_ARGUMENT,
      'seed',
      /at most 9007199254740991 is allowed/,
    ],
    [
      'with an empty selection',
      withOptions({ selection: {} }),
      INVALID_ARGUMENT,
      'selection.patterns',
      'has 0 patterns; 1 to 256 are allowed',
    ],
    [
      'with a selection that matches nothing',
      withOptions({ selection: { patterns: ['x.*'] } }),
      INVALID_ARGUMENT,
      'selection.patterns',
      '"x.*" match none of the 2 tensors: "weight", "bias"',
    ],
    [
      'with a selection of the longest patterns',
      withOptions({ selection: { patterns: new Array<string>(256).fill('ü'.repeat(256)) } }),
      INVALID_ARGUMENT,
      'selection.patterns',
      'and 251 more match none of the 2 tensors',
    ],
  ] as [string, PredictRequest, status, string, string | RegExp][])(
    '%s',
    async (_, request, code, field, description) => {
      const refused = await refusedRequest(server.stub, request);
      expect(refused).toMatchObject({ code, messages: 0, reason: status[code] });
      const violation = refused.violations.find((candidate) => candidate.field === field);
      expect({ violations: refused.violations, description: violation?.description }).toMatchObject({
        description: expect.stringMatching(
          typeof description === 'string' ? description.replace(/[.*+?^$(){}|[\]\\]/g, '\\$&') : description,
        ) as string,
      });
    },
  );

  it('for all of its wrong fields at once', async () => {
    const { violations } = await refusedRequest(
      server.stub,
      withOptions({ chunkBytes: 1, dtype: UNKNOWN_DTYPE, seed: '18446744073709551615' }),
    );
    expect(violations.map(({ field }) => field)).toEqual(['seed', 'chunk_bytes', 'dtype']);
  });

  it('with its own request id, or one that the server makes up', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'train-17.rank_3');
    const named = await refusedStream(server.stub.Predict({}, metadata));
    expect(named.requestId).toBe('train-17.rank_3');
    await server.logged('refused', ({ requestId }) => requestId === 'train-17.rank_3');
    expect((await refusedStream(server.stub.Predict({}))).requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('where Plan holds none', async () => {
    const error = await new Promise<ServiceError | null>((resolve) => server.stub.Plan({}, resolve));
    expect(error && describeFailure(error)).toMatchObject({
      code: INVALID_ARGUMENT,
      violations: [{ field: 'request', description: 'is missing' }],
    });
  });

  it('where the message is larger than allowed, with both numbers', async () => {
    const refused = await refusedStream(server.stub.Predict(withConfig(' '.repeat(1_100_000))));
    expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(refused.message).toMatch(/larger than max \(1100\d\d\d vs 1048576\)/);
  });
});

describe('a call that is not of the contract is refused', () => {
  /** A call with any bytes, to any method. */
  async function anyCall(at: string, bytes: Buffer): Promise<Ending> {
    const session = openSession(server.address);
    const { ending } = rawCall(session, at, { body: framed(bytes) });
    const ended = await ending;
    session.close();
    return ended;
  }

  const RPCS = ['Predict', 'Plan', 'ListModels', 'GetExpansion', 'GetTokenizer'];

  it.each(
    RPCS.flatMap((rpc) => [
      [rpc, 'bytes that are no message', Buffer.from([0xff, 0xff, 0xff]), 'it ends amid a number'],
      [
        rpc,
        'a field that ends beyond it',
        Buffer.from([0x0a, 0x7f, 0x00]),
        'it has a field that ends beyond it',
      ],
      [rpc, 'a wire type that does not exist', Buffer.from([0x7f]), 'it has a field of wire type 7'],
    ]) as [string, string, Buffer, string][],
  )('to %s, with %s', async (rpc, _, bytes, reason) => {
    const { status: code, details, requestId } = await anyCall(path(rpc), bytes);
    expect({ code, details }).toEqual({
      code: INVALID_ARGUMENT,
      details: `request: is no logah.v1.${rpc}Request: ${reason}`,
    });
    expect(await server.logged('refused', (entry) => entry.requestId === requestId)).toMatchObject({
      method: rpc,
      code: INVALID_ARGUMENT,
    });
  });

  it('where it names an unknown method', async () => {
    expect(await anyCall(path('Forget'), Buffer.alloc(0))).toMatchObject({ status: status.UNIMPLEMENTED });
  });

  it('with bytes that are no HTTP/2, and others are answered meanwhile', async () => {
    const { createConnection } = await import('node:net');
    const [host, port] = server.address.split(':');
    const socket = createConnection({ host: host ?? '', port: Number(port) });
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
  });

  it('where its deadline has passed when it arrives', async () => {
    const session = connectHttp2(`http://${server.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '1n',
    });
    const message = LogahService.service.Predict.requestSerialize({ architecture: { graph: GRAPH } });
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    const headers = new Promise<Record<string, unknown>>((resolve) => {
      stream.once('trailers', resolve);
      stream.once('response', (response) => {
        if ('grpc-status' in response) resolve(response);
      });
    });
    stream.resume();
    expect((await headers)['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    session.close();
  });
});

it('a request that is refused leaves no stream open', async () => {
  // As many at a time as there may be streams.
  const calls = Array.from({ length: 64 }, () => refusedStream(server.stub.Predict({})));
  expect((await Promise.all(calls)).every(({ reason }) => reason === 'INVALID_ARGUMENT')).toBe(true);
  const messages: PredictResponse__Output[] = [];
  const call = server.stub.Predict({ architecture: { graph: GRAPH } });
  call.on('data', (message: PredictResponse__Output) => messages.push(message));
  await once(call, 'end');
  expect(messages.map(({ message }) => message)).toEqual(['plan', 'chunk', 'summary']);
});
