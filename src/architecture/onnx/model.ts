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
  /** Whether it holds a graph, as the branches of an `If`. */
  readonly isGraph: boolean;
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

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Where an ONNX file stands in the request. */
export const ONNX_FIELD = 'architecture.onnx';
