/**
 * A model without anything nested: calls of the file's own functions and branches that a constant chooses are replaced by
 * what is inside them, and fused operators by those that they are made of.
 */

import { invalidField } from '../../../errors';
import {
  isStandard,
  ONNX_FIELD,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../model';
import { chosenBranch } from './branches';
import { calledNodes } from './functions';
import { unfused } from './fused';
import { scoped } from './scope';

/** Calls inside calls. */
const MAX_DEPTH = 32;

/** Throws LogahError `invalid_argument` for functions that call themselves, and for more than `maxNodes` nodes. */
export function flattened(model: OnnxModel, maxNodes: number): OnnxModel {
  const flattening = new Flattening(model, maxNodes);
  flattening.add(model.nodes, 0);
  const initializers = [...model.initializers, ...flattening.initializers];
  const nodes = flattening.nodes.map((node, index) => ({ ...node, index }));
  return { ...model, nodes, initializers, functions: [] };
}

class Flattening {
  readonly nodes: OnnxNode[] = [];
  /** Those of branches. */
  readonly initializers: OnnxTensor[] = [];
  private readonly functions: ReadonlyMap<string, OnnxFunction>;
  private readonly tensors: ReadonlyMap<string, OnnxTensor>;
  private readonly makers = new Map<string, OnnxNode>();
  private count = 0;

  constructor(
    model: OnnxModel,
    private readonly maxNodes: number,
  ) {
    this.tensors = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
    this.functions = new Map(model.functions.map((each) => [`${each.domain}:${each.name}`, each]));
  }

  add(nodes: readonly OnnxNode[], depth: number): void {
    if (depth > MAX_DEPTH) {
      throw invalidField(ONNX_FIELD, `has functions or branches nested more than ${MAX_DEPTH} deep`);
    }
    for (const node of nodes) this.addNode(node, depth);
  }

  private addNode(node: OnnxNode, depth: number): void {
    const called = this.functions.get(`${node.domain}:${node.operator}`);
    if (called !== undefined) {
      this.add(calledNodes(called, node, this.scope(node)), depth + 1);
    } else if (isStandard(node) && node.operator === 'If') {
      const condition = this.integersOf(node.inputs[0] ?? '');
      this.addBranch(
        chosenBranch(node, condition, (name) => this.tensorOf(name)),
        node,
        depth,
      );
    } else {
      const parts = unfused(node);
      if (parts !== undefined) this.add(parts, depth + 1);
      else this.push(node);
    }
  }

  /** A branch reads values from outside by their names; its own get a name that tells where they are. */
  private addBranch(branch: OnnxGraph, node: OnnxNode, depth: number): void {
    const own = new Map<string, string>();
    const scope = this.scope(node);
    for (const { name } of branch.initializers)
      own.set(name, this.tensors.has(name) ? `${scope}/${name}` : name);
    for (const { outputs } of branch.nodes) for (const name of outputs) own.set(name, `${scope}/${name}`);
    this.initializers.push(
      ...branch.initializers.map((tensor) => ({ ...tensor, name: own.get(tensor.name) ?? tensor.name })),
    );
    const nodes = branch.nodes.map((each) => scoped(each, (name) => own.get(name)));
    this.add(nodes, depth + 1);
    branch.outputs.forEach((output, index) => {
      const name = node.outputs[index];
      if (name !== undefined) this.push(identity(own.get(output) ?? output, name, node));
    });
  }

  private push(node: OnnxNode): void {
    this.count += 1;
    if (this.count > this.maxNodes) {
      throw invalidField(ONNX_FIELD, `has more than ${this.maxNodes} operators, functions written out`);
    }
    this.nodes.push(node);
    for (const name of node.outputs) this.makers.set(name, node);
  }

  private scope(node: OnnxNode): string {
    return `${node.name || (node.outputs[0] ?? node.operator)}.${this.count}`;
  }

  private integersOf(name: string): readonly number[] | undefined {
    return this.tensorOf(name)?.integers;
  }

  /** An initialiser or a constant, also by another name. */
  private tensorOf(name: string): OnnxTensor | undefined {
    const maker = this.makers.get(name);
    if (maker?.operator === 'Identity') return this.tensorOf(maker.inputs[0] ?? '');
    return maker === undefined ? this.tensors.get(name) : maker.attributes.get('value')?.tensor;
  }
}

function identity(from: string, to: string, { index, name }: OnnxNode): OnnxNode {
  return {
    index,
    name,
    operator: 'Identity',
    domain: '',
    inputs: [from],
    outputs: [to],
    attributes: new Map(),
  };
}
