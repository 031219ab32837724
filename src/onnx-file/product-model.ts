/** The ONNX model of a single product, whose weights are inputs: as bytes, without a library that writes protobuf. */

import { encodeVarint, LENGTH_DELIMITED, VARINT } from './wire';

/** Values of ONNX's enumerations, and the versions that the server's bundles use. */
const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const IR_VERSION = 9;
const OPSET = 20;

/** The model of a · bᵀ, or of a · bᵀ + c with a row c: inputs `a`, `b` and `c`, output `product`. */
export function productModel(withBias = false): Uint8Array {
  const inputs = withBias ? ['a', 'b', 'c'] : ['a', 'b'];
  // Field numbers are those of `onnx.proto` in the ONNX repository.
  const attribute = message(text(1, 'transB'), number(3, 1), number(20, INT_ATTRIBUTE));
  const node = message(
    ...inputs.map((name) => text(1, name)),
    text(2, 'product'),
    text(4, 'Gemm'),
    bytes(5, attribute),
  );
  const graph = message(
    bytes(1, node),
    text(2, 'product'),
    bytes(11, value('a', 'M', 'R')),
    bytes(11, value('b', 'N', 'R')),
    ...(withBias ? [bytes(11, value('c', 'N'))] : []),
    bytes(12, value('product', 'M', 'N')),
  );
  return message(number(1, IR_VERSION), bytes(7, graph), bytes(8, message(text(1, ''), number(2, OPSET))));
}

function value(name: string, ...dimensions: string[]): Uint8Array {
  const shape = message(...dimensions.map((dimension) => bytes(1, message(text(2, dimension)))));
  const tensor = message(number(1, FLOAT), bytes(2, shape));
  return message(text(1, name), bytes(2, message(bytes(1, tensor))));
}

function message(...fields: Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function number(field: number, content: number): Uint8Array {
  return message(encodeVarint(field * 8 + VARINT), encodeVarint(content));
}

function text(field: number, content: string): Uint8Array {
  return bytes(field, Buffer.from(content));
}

function bytes(field: number, content: Uint8Array): Uint8Array {
  return message(encodeVarint(field * 8 + LENGTH_DELIMITED), encodeVarint(content.length), content);
}
