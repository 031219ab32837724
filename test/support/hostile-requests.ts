/** Requests of at most 16 MB that cost a server as much as they can, by kind. */

import { gzipSync } from 'node:zlib';
import { LogahService } from '../../src/contract/service-clients';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { delimited, number, repeated, text, varint } from './protobuf';

/** A `PredictRequest` as bytes. */
export interface HostileRequest {
  readonly name: string;
  readonly bytes: () => Buffer;
}

const MOST = 16 * 2 ** 20 - 64;
const EMPTY = Buffer.alloc(0);

const graph = (...parts: Uint8Array[]): Buffer => delimited(1, delimited(1, ...parts));
const filled = (unit: Uint8Array, room = MOST): Buffer => repeated(unit, Math.floor(room / unit.length));
const request = (message: PredictRequest): Buffer => LogahService.service.Predict.requestSerialize(message);
const config = (json: string): Buffer => delimited(1, delimited(2, Buffer.from(json)));

/** Numbers in packed form, where the contract has a shape or a box. */
const ONES = (): Buffer => filled(Buffer.from([1]));

/** `nodes` nodes with as many edges, tensors and blocks for each as `most`; all of it valid. */
export function graphAtLimits(nodes: number, most = 10): ArchitectureGraph {
  const edges: { source: number; target: number }[] = [];
  for (let target = 1; target < nodes; target++) {
    for (let back = 1; back <= most && back <= target; back++) edges.push({ source: target - back, target });
  }
  return {
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `layer.${index}.weight`,
      operation: index === 0 ? 'input' : 'conv',
      ...(index > 0 && { shape: [4, 4] }),
    })),
    edges,
    parameters: Array.from({ length: (nodes - 1) * most }, (_, index) => ({
      name: `layer.${index}.weight`,
      shape: [4, 4],
      blocks: [{ length: 4, prediction: { node: 1 + (index % (nodes - 1)), role: 'ROLE_MATRIX' as const } }],
    })),
  };
}

const layers = (count: number): string =>
  `{"model_type":"gpt2","n_layer":${count},"n_embd":768,"n_head":12,"vocab_size":50257,"n_positions":1024}`;

/** The kinds, with the graphs of a server for `maxNodes`. */
export function hostileRequests(maxNodes: number): readonly HostileRequest[] {
  return [
    { name: 'packed numbers: nodes.shape', bytes: () => graph(delimited(3, delimited(3, ONES()))) },
    { name: 'packed numbers: parameters.shape', bytes: () => graph(delimited(5, delimited(2, ONES()))) },
    { name: 'packed numbers: slices.start', bytes: () => delimited(9, delimited(2, ONES())) },
    { name: 'packed numbers: slices.end', bytes: () => delimited(9, delimited(3, ONES())) },
    { name: 'single numbers: nodes.shape', bytes: () => graph(delimited(3, filled(number(3, 1)))) },
    { name: 'single numbers: slices.start', bytes: () => delimited(9, filled(number(2, 1))) },
    {
      name: 'packed numbers in many nodes',
      bytes: () => graph(filled(delimited(3, delimited(3, repeated(Buffer.from([1]), 64))))),
    },
    { name: 'empty nodes', bytes: () => graph(filled(delimited(3))) },
    { name: 'empty edges', bytes: () => graph(filled(delimited(4))) },
    { name: 'empty parameters', bytes: () => graph(filled(delimited(5))) },
    { name: 'empty blocks', bytes: () => graph(delimited(5, filled(delimited(3)))) },
    { name: 'empty patterns', bytes: () => delimited(6, filled(delimited(1))) },
    { name: 'empty slices', bytes: () => filled(delimited(9)) },
    { name: 'an architecture, again and again', bytes: () => filled(delimited(1, delimited(1))) },
    { name: 'unknown fields', bytes: () => filled(Buffer.concat([varint(900 * 8), varint(1)])) },
    { name: 'unknown texts', bytes: () => filled(delimited(900)) },
    { name: 'groups within groups', bytes: () => filled(varint(900 * 8 + 3)) },
    { name: 'the name of a model', bytes: () => text(2, 'm'.repeat(MOST)) },
    {
      name: 'the name of a slice',
      bytes: () => delimited(9, text(1, 's'.repeat(MOST)), number(2, 0), number(3, 1)),
    },
    {
      name: 'a fingerprint',
      bytes: () => Buffer.concat([config(layers(1)), delimited(11, text(1, 'f'.repeat(MOST - 200)))]),
    },
    { name: 'the name of a node', bytes: () => graph(delimited(3, text(1, '\u202e'.repeat(MOST / 3)))) },
    { name: 'a configuration of brackets', bytes: () => config('['.repeat(2 ** 20 - 1)) },
    { name: 'a configuration of lists', bytes: () => config(`[${'[],'.repeat(349_000)}[]]`) },
    { name: 'a configuration of 150 layers', bytes: () => config(layers(150)) },
    {
      name: 'a configuration of the most layers',
      bytes: () => config(layers(Math.floor((maxNodes - 8) / 13))),
    },
    {
      name: 'a graph at the limits',
      bytes: () => request({ architecture: { graph: graphAtLimits(maxNodes) } }),
    },
    {
      name: 'a graph of the most nodes, a tensor each',
      bytes: () => request({ architecture: { graph: graphAtLimits(maxNodes, 1) } }),
    },
    {
      name: 'a selection at its budget',
      bytes: () =>
        request({
          architecture: { transformersConfig: Buffer.from(layers(150)) },
          selection: { patterns: Array.from({ length: 256 }, () => `${'*a'.repeat(120)}z`) },
        }),
    },
    {
      name: 'a slice of every tensor',
      bytes: () =>
        request({
          architecture: { graph: graphAtLimits(maxNodes, 4) },
          slices: Array.from({ length: (maxNodes - 1) * 4 }, (_, index) => ({
            name: `layer.${index}.weight`,
            start: [0],
            end: [2],
          })),
        }),
    },
    {
      name: 'a parameter of the most blocks',
      bytes: () => {
        const blocks = (maxNodes - 1) * 10;
        return request({
          architecture: {
            graph: {
              ...graphAtLimits(maxNodes, 1),
              parameters: [
                {
                  name: 'weight',
                  shape: [blocks, 1000],
                  blocks: Array.from({ length: blocks }, (_, index) => ({
                    length: 1,
                    prediction: { node: 1 + (index % (maxNodes - 1)), role: 'ROLE_MATRIX' as const },
                  })),
                },
              ],
            },
          },
        });
      },
    },
    {
      name: 'a row of the most elements',
      bytes: () =>
        request({
          architecture: {
            graph: {
              ...graphAtLimits(2, 1),
              parameters: [
                {
                  name: 'weight',
                  shape: [2, 2 ** 31 - 1],
                  blocks: [{ length: 2, initialization: { rule: 'RULE_ZEROS' as const } }],
                },
              ],
            },
          },
        }),
    },
    // An ONNX file: ModelProto.graph (7) of empty nodes (1), initialisers (5), value infos (11).
    { name: 'an ONNX file of empty nodes', bytes: () => onnx(delimited(7, filled(delimited(1)))) },
    { name: 'an ONNX file of empty tensors', bytes: () => onnx(delimited(7, filled(delimited(5)))) },
    {
      name: 'an ONNX file of dimensions',
      bytes: () => onnx(delimited(7, delimited(5, delimited(1, ONES())))),
    },
    { name: 'an ONNX file of integers', bytes: () => onnx(delimited(7, delimited(5, delimited(7, ONES())))) },
    {
      name: 'an ONNX file of attributes',
      bytes: () => onnx(delimited(7, delimited(1, filled(delimited(5))))),
    },
    {
      name: 'an ONNX file of inputs of a node',
      bytes: () => onnx(delimited(7, delimited(1, filled(delimited(1))))),
    },
    {
      name: 'an ONNX file of raw data',
      bytes: () => onnx(delimited(7, delimited(5, delimited(9, Buffer.alloc(MOST - 64))))),
    },
    { name: 'an ONNX file of zeros', bytes: () => onnx(Buffer.alloc(MOST)) },
    { name: 'nothing', bytes: () => EMPTY },
  ];
}

function onnx(model: Buffer): Buffer {
  return delimited(1, delimited(3, model));
}

/** The same on the wire, compressed as gRPC allows: a thousandth of the bytes. */
export function compressed(bytes: Uint8Array): Buffer {
  return gzipSync(bytes, { level: 9 });
}
