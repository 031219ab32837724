import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxGraph } from '../../src/architecture/onnx';
import { LogahError, onnxArchitecture, onnxArchitectureOf } from '../../src/client';
import { GRAPH, MODEL, TENSOR } from '../../src/onnx-file/fields';
import { encodeVarint } from '../../src/onnx-file/wire';
import { field, graph, integer, model, tensor, text, type NodeText } from '../architecture/onnx/onnx-bytes';
import { generousLimits } from '../architecture/requests';

const nodes: NodeText[] = [{ op: 'MatMul', in: ['x', 'w'], out: ['y'], name: 'layer' }];

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'logah-onnx-'));
  path = join(directory, 'model.onnx');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('the data of weights is left out, and integers stay that may be a shape', () => {
  const integers = { shape: [3], integers: [1, -1, 4] };
  const many = { shape: [500], integers: new Array<number>(500).fill(2 ** 40) };
  const stripped = onnxArchitectureOf(
    model({ nodes, tensors: { w: { shape: [4, 3], raw: Buffer.alloc(48, 7) }, s: integers, t: many } }),
  );
  const expected = model({ nodes, tensors: { w: [4, 3], s: integers, t: { shape: [500], dataType: 7 } } });
  expect(stripped.onnx).toEqual(expected);
});

test('texts for people, metadata and the shapes of values are left out', () => {
  const noise = [6, 14].map((number) => field(number, text('for people')));
  const inner = [GRAPH.docString, GRAPH.valueInfo, GRAPH.metadata].map((number) =>
    field(number, text('for people')),
  );
  const content = { nodes, tensors: { w: [4, 3] } };
  const noisy = Buffer.concat([
    integer(1, 8),
    ...noise,
    field(MODEL.graph, Buffer.concat([graph(content), ...inner])),
  ]);
  expect(onnxArchitectureOf(noisy).onnx).toEqual(model(content));
});

test.each(['vit-dynamo', 'gpt2', 'swin'])('a file without weights stays as it is: %s', async (name) => {
  const fixture = join(__dirname, '..', 'fixtures', 'onnx', `${name}.onnx`);
  expect((await onnxArchitecture(fixture)).onnx).toEqual(readFileSync(fixture));
});

test('three gigabytes of weights are not sent, and what they show is', async () => {
  const size = 3 * 2 ** 30;
  const head = Buffer.concat([
    tensor('w', { shape: [2 ** 15, 3 * 2 ** 13] }),
    encodeVarint(TENSOR.rawData * 8 + 2),
    encodeVarint(size),
  ]);
  const start = graph({ nodes });
  const before = Buffer.concat([
    encodeVarint(GRAPH.initializer * 8 + 2),
    encodeVarint(head.length + size),
    head,
  ]);
  const length = start.length + before.length + size;
  const file = openSync(path, 'w');
  const opening = Buffer.concat([encodeVarint(MODEL.graph * 8 + 2), encodeVarint(length), start, before]);
  writeSync(file, opening);
  // A hole, which takes no space.
  ftruncateSync(file, opening.length + size);
  closeSync(file);
  const { onnx, onnxContents } = await onnxArchitecture(path);
  expect((onnx as Buffer).length).toBeLessThan(200);
  expect(onnxContents).toMatchObject([{ name: 'w', kind: 'ONNX_CONTENT_KIND_ZEROS' }]);
  expect(onnxGraph(onnx as Buffer, generousLimits).parameters).toMatchObject([
    { name: 'w', shape: [32768, 24576] },
  ]);
});

test.each([
  ['cut short', model({ nodes, tensors: { w: [4, 3] } }).subarray(0, -3)],
  ['of something else', text('{"model_type": "vit"}')],
])('a file %s is refused by its name', async (_, bytes) => {
  writeFileSync(path, bytes);
  const refused = onnxArchitecture(path);
  await expect(refused).rejects.toThrow(LogahError);
  await expect(refused).rejects.toThrow(`${path} is not an ONNX file, or cut short: `);
});

test('a file that is not there is the error of the system', async () => {
  await expect(onnxArchitecture(join(directory, 'missing.onnx'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a file of more than 64 MiB that are no weights is refused', () => {
  const huge = field(
    MODEL.graph,
    Buffer.concat([graph({ nodes }), field(GRAPH.name, Buffer.alloc(2 ** 26 + 64, 0x61))]),
  );
  expect(() => onnxArchitectureOf(huge)).toThrow('more than 67108864 bytes that are no data of weights');
});
