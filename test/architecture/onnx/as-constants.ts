/** A file as converters write it that have no initializers. */

import { GRAPH, MODEL, TENSOR, NODE, ATTRIBUTE } from '../../../src/onnx-file/fields';
import { memorySource, wireFields, type WireField } from '../../../src/onnx-file/wire';
import { field, text } from './onnx-bytes';

/** The same model with each initializer in a `Constant` node, before all others. */
export function asConstants(bytes: Uint8Array): Buffer {
  const source = memorySource(bytes);
  const part = ({ start, end }: Pick<WireField, 'start' | 'end'>): Uint8Array => bytes.subarray(start, end);
  return Buffer.concat(
    [...wireFields(source, 0, bytes.length)].map((outer) => {
      if (outer.number !== MODEL.graph) return part(outer);
      const fields = [...wireFields(source, outer.content, outer.end)];
      const tensors = fields.filter(({ number }) => number === GRAPH.initializer);
      const constants = tensors.map((tensor) => {
        const named = [...wireFields(source, tensor.content, tensor.end)].find(
          ({ number }) => number === TENSOR.name,
        );
        const name = named ? bytes.subarray(named.content, named.end) : text('');
        const value = Buffer.concat([
          field(ATTRIBUTE.name, text('value')),
          field(ATTRIBUTE.tensor, bytes.subarray(tensor.content, tensor.end)),
        ]);
        const node = [
          field(NODE.output, name),
          field(NODE.opType, text('Constant')),
          field(NODE.attribute, value),
        ];
        return field(GRAPH.node, Buffer.concat(node));
      });
      const others = fields.filter(({ number }) => number !== GRAPH.initializer).map(part);
      return field(MODEL.graph, Buffer.concat([...constants, ...others]));
    }),
  );
}
