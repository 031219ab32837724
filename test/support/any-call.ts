/** Calls of every RPC of the contract with requests by its descriptors. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, type ClientHttp2Session } from 'node:http2';
import type { ServiceDefinition } from '@grpc/proto-loader';
import fc from 'fast-check';
import { messageShape } from '../../src/contract/message-shape';
import { protoDefinition } from '../../src/contract/proto-definition';
import { LogahService } from '../../src/contract/service-clients';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { alteredMessage, anyMessage, type KnownValues } from './any-message';
import { delimited, varint } from './protobuf';
import { framed, rawCall, type Ending } from './raw-call';
import { chain } from './requests';

/** A call: the path of its RPC, and the bytes of its request. */
export interface AnyCall {
  readonly path: string;
  readonly request: Buffer;
}

const CONFIG = {
  model_type: 'vit',
  hidden_size: 32,
  intermediate_size: 64,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  image_size: 32,
  patch_size: 16,
  num_channels: 3,
};
const LANGUAGE_CONFIG = {
  model_type: 'gpt2',
  n_layer: 1,
  n_embd: 32,
  n_head: 2,
  vocab_size: 256,
  n_positions: 16,
};
const ONNX = readFileSync(join(__dirname, '..', 'fixtures', 'onnx', 'unpredicted-dynamo.onnx'));

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const texts = (...values: readonly string[]): readonly Buffer[] => values.map((text) => Buffer.from(text));

/** Requests of which the changed ones are made. */
const RIGHT: readonly PredictRequest[] = [
  { architecture: { graph: chain(4) } },
  { architecture: { transformersConfig: json(CONFIG) }, representation: 'REPRESENTATION_FACTORS' },
  { architecture: { transformersConfig: json(LANGUAGE_CONFIG) }, representation: 'REPRESENTATION_CORE' },
  { architecture: { onnx: ONNX }, seed: 7, lift: 0.5, strength: 0.3, base: 1, dtype: 'DATA_TYPE_BFLOAT16' },
  {
    architecture: { graph: chain(3) },
    slices: [{ name: 'weight', start: [1], end: [3] }],
    selection: { patterns: ['*'] },
    sha256: true,
    chunkBytes: 4096,
  },
  { architecture: { graph: chain(3) }, shard: { index: 1, count: 2 }, copies: 1, strict: true },
];

const RPCS = protoDefinition['logah.v1.LogahService'] as ServiceDefinition;

/** Calls of every RPC; `models` are the names of those that the server has. */
export function anyCall(models: readonly string[]): fc.Arbitrary<AnyCall> {
  const known: KnownValues = {
    name: texts('weight', 'n1', 'n0', '__proto__', 'constructor'),
    operation: texts('input', 'conv', 'sum', 'linear', 'bn', 'no such operation'),
    model: texts(...models, ''),
    family: texts('vit', 'gpt2', 'constructor', '__proto__'),
    patterns: texts('*', 'weight', '?*?', '*a*a*a*a*a*'),
    tied_to: texts('weight'),
    transformers_config: [json(CONFIG), json(LANGUAGE_CONFIG), Buffer.from('{}'), Buffer.from('[')],
    onnx: [ONNX, ONNX.subarray(0, 400)],
  };
  const calls = Object.values(RPCS).map(({ path, requestType: { type } }) => {
    const { name } = type as { readonly name: string };
    const shape = messageShape(`logah.v1.${name}`);
    const any = anyMessage(shape, known);
    const right = name === 'PredictRequest' || name === 'PlanRequest' ? RIGHT.map(bytesOf(name)) : [];
    const altered = right.map((bytes) => alteredMessage(bytes, shape, known));
    const configured = right.length === 0 ? [] : [anyConfigRequest(name), damagedOnnxRequest(name)];
    const requests = fc.oneof(any, ...altered, ...configured);
    return requests.map((request): AnyCall => ({ path, request }));
  });
  return fc.oneof(...calls);
}

/** What a call ended with, and whether it was cut off because there was more of an answer than `most` bytes. */
export async function callOf(
  session: ClientHttp2Session,
  { path, request }: AnyCall,
  most = 2 ** 18,
): Promise<Ending & { readonly isCut: boolean }> {
  const { stream, ending } = rawCall(session, path, { body: framed(request) });
  let received = 0;
  let isCut = false;
  stream.on('data', (data: Buffer) => {
    received += data.length;
    if (received <= most || isCut) return;
    isCut = true;
    stream.close(constants.NGHTTP2_CANCEL);
  });
  return { ...(await ending), isCut };
}

const bytesOf =
  (name: string) =>
  (request: PredictRequest): Buffer =>
    inPlan(name, LogahService.service.Predict.requestSerialize(request));

function inPlan(name: string, request: Buffer): Buffer {
  return name === 'PlanRequest' ? delimited(1, request) : request;
}

/** A configuration with some fields left out, or of other values. */
function anyConfigRequest(name: string): fc.Arbitrary<Buffer> {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(0, -1, 1.5, 2 ** 31, 2 ** 53, 1e300, '', 'x', null, [], {}, true, [1, 2, 3]),
    fc.integer({ min: 1, max: 64 }),
    fc.jsonValue(),
  );
  return fc.constantFrom(CONFIG, LANGUAGE_CONFIG).chain((config: object) => {
    const fields = fc.constantFrom(
      ...Object.keys(config),
      'architectures',
      'num_labels',
      'tie_word_embeddings',
    );
    return fc
      .dictionary(fields, odd, { maxKeys: 3 })
      .map((changes) => inPlan(name, delimited(1, delimited(2, json({ ...config, ...changes })))));
  });
}

/** An ONNX file with some bytes that are others. */
function damagedOnnxRequest(name: string): fc.Arbitrary<Buffer> {
  return fc
    .array(fc.tuple(fc.nat({ max: ONNX.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 })
    .map((changes) => {
      const file = Buffer.from(ONNX);
      for (const [at, byte] of changes) file[at] = byte;
      return inPlan(name, Buffer.concat([delimited(1, delimited(3, file)), varint(3 * 8), varint(1)]));
    });
}
