/** What is read of an ONNX file; names as ONNX has them. */

/** A tensor of the file: a weight, or a constant. */
export interface OnnxTensor {
  readonly name: string;
  /** As in the file. */
  readonly shape: readonly number[];
  /** `TensorProto.DataType`. */
  readonly dataType: number;
  /** Its values, where they are integers and few; undefined where the file leaves them out. */
  readonly integers: readonly number[] | undefined;
}

export interface OnnxAttribute {
  readonly int: number | undefined;
  readonly ints: readonly number[];
  readonly text: string;
  readonly tensor: OnnxTensor | undefined;
  /** As the branches of an `If`. */
  readonly graph: OnnxGraph | undefined;
  /** Inside a function: the attribute of the call that this one stands for. */
  readonly reference: string;
}

export interface OnnxNode {
  /** Position in the file. */
  readonly index: number;
  readonly name: string;
  readonly operator: string;
  /** Empty: the operators of ONNX itself. */
  readonly domain: string;
  /** An empty name is an input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** An input of a graph. */
export interface OnnxInput {
  readonly name: string;
  /** `TensorProto.DataType`; 0 where the file does not say it. */
  readonly dataType: number;
  /** Undefined where a dimension is not fixed, or the file does not say it. */
  readonly shape: readonly number[] | undefined;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
}

/** A function of the file's own, that nodes call by its domain and name. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxModel extends OnnxGraph {
  readonly functions: readonly OnnxFunction[];
}

/** Where an ONNX file stands in the request. */
export const ONNX_FIELD = 'architecture.onnx';

/** Whether a node is of ONNX's own operators. */
export function isStandard({ domain }: Pick<OnnxNode, 'domain'>): boolean {
  return domain === '' || domain === 'ai.onnx';
}
