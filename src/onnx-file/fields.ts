/** Field numbers and enumerations of `onnx/onnx.proto` (ONNX 1.19, IR version 11), as far as they are read. */

export const MODEL = {
  docString: 6,
  graph: 7,
  metadata: 14,
  trainingInfo: 20,
  functions: 25,
  configuration: 26,
} as const;

export const FUNCTION = {
  name: 1,
  input: 4,
  output: 5,
  node: 7,
  docString: 8,
  domain: 10,
  attributeDefault: 11,
  valueInfo: 12,
  metadata: 14,
} as const;

export const GRAPH = {
  node: 1,
  name: 2,
  initializer: 5,
  docString: 10,
  input: 11,
  output: 12,
  valueInfo: 13,
  quantization: 14,
  sparseInitializer: 15,
  metadata: 16,
} as const;

export const NODE = {
  input: 1,
  output: 2,
  name: 3,
  opType: 4,
  attribute: 5,
  docString: 6,
  domain: 7,
  metadata: 9,
  deviceConfigurations: 10,
} as const;

export const ATTRIBUTE = {
  name: 1,
  int: 3,
  text: 4,
  tensor: 5,
  graph: 6,
  ints: 8,
  tensors: 10,
  graphs: 11,
  docString: 13,
  reference: 21,
  sparseTensor: 22,
  sparseTensors: 23,
} as const;

export const TENSOR = {
  dims: 1,
  dataType: 2,
  floatData: 4,
  int32Data: 5,
  int64Data: 7,
  name: 8,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  externalData: 13,
  dataLocation: 14,
} as const;

/** Of `StringStringEntryProto`. */
export const ENTRY = { key: 1, value: 2 } as const;

export const VALUE_INFO = { name: 1, type: 2 } as const;

export const TYPE = { tensor: 1 } as const;

export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;

export const SHAPE = { dimension: 1 } as const;

export const DIMENSION = { size: 1 } as const;

/** `TensorProto.DataType` by number. */
export const DATA_TYPES: readonly string[] = [
  ...[
    'UNDEFINED',
    'FLOAT',
    'UINT8',
    'INT8',
    'UINT16',
    'INT16',
    'INT32',
    'INT64',
    'STRING',
    'BOOL',
    'FLOAT16',
  ],
  ...['DOUBLE', 'UINT32', 'UINT64', 'COMPLEX64', 'COMPLEX128', 'BFLOAT16'],
];

const number = (name: string): number => DATA_TYPES.indexOf(name);

/** Types of weights. */
export const FLOAT_TYPES: ReadonlySet<number> = new Set(
  ['FLOAT', 'FLOAT16', 'DOUBLE', 'BFLOAT16'].map(number),
);

/** Types of shapes, axes and indices, and their bytes in `raw_data`. */
export const INTEGER_BYTES: ReadonlyMap<number, number> = new Map([
  ...(['UINT8', 'INT8', 'BOOL'] as const).map((name) => [number(name), 1] as const),
  ...(['UINT16', 'INT16'] as const).map((name) => [number(name), 2] as const),
  ...(['INT32', 'UINT32'] as const).map((name) => [number(name), 4] as const),
  ...(['INT64', 'UINT64'] as const).map((name) => [number(name), 8] as const),
]);

/** Integers of at most so many bytes are sent: shapes, axes and the like. */
export const KEPT_BYTES = 1024;
