import type { Network } from '../network';
import type { OnnxNode } from '../model';
import type { Rotary } from '../rotary';
import type { Value } from '../values';
import type { Weights } from '../weights';

/** What an operator is read with. */
export interface Reading {
  readonly network: Network;
  readonly weights: Weights;
  /** Whether the network's input is data and nothing else: one tensor of floating point, so no mask and no index. */
  readonly inputIsData: boolean;
  readonly node: OnnxNode;
  /** Undefined where the node leaves an input out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly rotary: Rotary;
  /** The nodes that read a value. */
  readonly readersOf: (name: string) => readonly OnnxNode[];
  /** The node that makes a value; undefined for inputs and initializers. */
  readonly makerOf: (name: string) => OnnxNode | undefined;
  /** The numbers of an input, where the file has them: a shape, axes, an index. */
  readonly integersOf: (input: number) => readonly number[] | undefined;
  /** The same by the name of a value. */
  readonly integers: ReadonlyMap<string, readonly number[]>;
}

/** An operator of ONNX. */
export interface Operator {
  /** What becomes of it, for the documentation. */
  readonly becomes: string;
  /** The value of all its outputs. */
  readonly read: (reading: Reading) => Value;
}

export type Operators = Readonly<Record<string, Operator>>;

/** The same reading for several operators. */
export function operators(names: readonly string[], becomes: string, read: Operator['read']): Operators {
  return Object.fromEntries(names.map((name) => [name, { becomes, read }]));
}

/** An attribute's number. */
export function intAttribute({ node }: Pick<Reading, 'node'>, name: string, fallback: number): number {
  return node.attributes.get(name)?.int ?? fallback;
}

/** An attribute's numbers; empty where it is absent. */
export function intsAttribute({ node }: Reading, name: string): readonly number[] {
  return node.attributes.get(name)?.ints ?? [];
}

/** A name for a node without a weight. */
export function ownName({ node }: Reading): string {
  return node.name === '' ? (node.outputs[0] ?? node.operator) : node.name;
}
