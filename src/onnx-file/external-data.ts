/** The other files that an ONNX file takes data of weights from. */

import { utf8 } from './bytes';
import { ATTRIBUTE, GRAPH, MODEL, NODE, TENSOR } from './fields';
import { LENGTH_DELIMITED, wireFields, type ByteSource } from './wire';

/** What a message of a file holds tensors in. */
interface Walked {
  readonly messages: Readonly<Record<number, Walked | 'tensor' | 'sparse' | 'graph'>>;
}

/** `FunctionProto.node`. */
const FUNCTION_NODE = 7;

const NODE_WALK: Walked = {
  messages: {
    [NODE.attribute]: {
      messages: {
        [ATTRIBUTE.tensor]: 'tensor',
        [ATTRIBUTE.tensors]: 'tensor',
        [ATTRIBUTE.graph]: 'graph',
        [ATTRIBUTE.graphs]: 'graph',
        [ATTRIBUTE.sparseTensor]: 'sparse',
        [ATTRIBUTE.sparseTensors]: 'sparse',
      },
    },
  },
};

const GRAPH_WALK: Walked = {
  messages: {
    [GRAPH.node]: NODE_WALK,
    [GRAPH.initializer]: 'tensor',
    [GRAPH.sparseInitializer]: 'sparse',
  },
};

const MODEL_WALK: Walked = {
  messages: {
    [MODEL.graph]: GRAPH_WALK,
    [MODEL.functions]: { messages: { [FUNCTION_NODE]: NODE_WALK } },
    [MODEL.trainingInfo]: { messages: { 1: GRAPH_WALK, 2: GRAPH_WALK } },
  },
};

/** `SparseTensorProto`: values and indices. */
const SPARSE_WALK: Walked = { messages: { 1: 'tensor', 2: 'tensor' } };

/** The locations as the file states them. Throws WireError where the source is no ONNX file. */
export function externalData(source: ByteSource): ReadonlySet<string> {
  const locations = new Set<string>();
  walk(source, MODEL_WALK, 0, source.size, locations);
  return locations;
}

function walk(
  source: ByteSource,
  { messages }: Walked,
  start: number,
  end: number,
  locations: Set<string>,
): void {
  for (const field of wireFields(source, start, end)) {
    const inner = field.wireType === LENGTH_DELIMITED ? messages[field.number] : undefined;
    if (inner === undefined) continue;
    if (inner === 'tensor') tensorLocations(source, field.content, field.end, locations);
    else walk(source, walked(inner), field.content, field.end, locations);
  }
}

function walked(inner: Walked | 'sparse' | 'graph'): Walked {
  if (inner === 'sparse') return SPARSE_WALK;
  return inner === 'graph' ? GRAPH_WALK : inner;
}

/** `TensorProto.external_data`: entries of a key (1) and a value (2). */
function tensorLocations(source: ByteSource, start: number, end: number, locations: Set<string>): void {
  for (const field of wireFields(source, start, end)) {
    if (field.number !== TENSOR.externalData || field.wireType !== LENGTH_DELIMITED) continue;
    let key = '';
    let value = '';
    for (const part of wireFields(source, field.content, field.end)) {
      if (part.wireType !== LENGTH_DELIMITED) continue;
      const text = utf8(source.read(part.content, part.end));
      if (part.number === 1) key = text;
      if (part.number === 2) value = text;
    }
    if (key === 'location') locations.add(value);
  }
}
