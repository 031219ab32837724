import {
  fillingNumber,
  type ArchitectureGraph,
  type Block,
  type Filling,
  type Parameter,
  type PredictionOrigin,
} from './graph';
import { layoutFault, predictedShape } from './layout';
import { Names } from './names';
import { isIndex } from './validate-edges';
import { validateShape } from './validate-nodes';
import { quoted, type Violations } from './violations';

/** Largest slot; models have at most so many and one. */
const MAX_SLOT = 15;

/** Every parameter is covered by blocks that can be made, or shares the storage of one that is. */
export function validateParameters(graph: ArchitectureGraph, violations: Violations): void {
  if (graph.parameters.length === 0) violations.add('architecture.graph.parameters', 'is empty');
  const names = new Names('parameters', violations);
  graph.parameters.forEach(({ name }, index) => {
    names.add(name, index);
  });
  graph.parameters.forEach((parameter, index) => {
    const field = `architecture.graph.parameters[${index}]`;
    if (!validateShape(parameter.shape, 1, `${field}.shape`, violations)) return;
    if (parameter.tiedTo !== undefined) {
      const target = graph.parameters[names.indexOf(parameter.tiedTo) ?? -1];
      validateTie(parameter, parameter.tiedTo, target, field, violations);
    } else if (validateLengths(parameter, field, violations)) {
      const fault = parameter.layout && layoutFault(parameter.shape, parameter.layout);
      if (fault !== undefined) {
        violations.add(`${field}.layout`, fault);
        return;
      }
      parameter.blocks.forEach((block, position) => {
        validateOrigin(graph, parameter, block, `${field}.blocks[${position}]`, violations);
      });
    }
  });
}

function validateTie(
  parameter: Parameter,
  tiedTo: string,
  target: Parameter | undefined,
  field: string,
  violations: Violations,
): void {
  const wrong = (description: string): void => {
    violations.add(`${field}.tied_to`, `${quoted(tiedTo)} ${description}`);
  };
  if (parameter.blocks.length > 0)
    violations.add(field, 'has both blocks and tied_to; one of them must be empty');
  if (target === undefined) wrong('is not the name of a parameter');
  else if (target === parameter) wrong('is the parameter itself');
  else if (target.tiedTo !== undefined) wrong(`is tied too, to ${quoted(target.tiedTo)}; name that one`);
  else if (!sameShape(target.shape, parameter.shape)) {
    wrong(`has shape ${quoted(target.shape)}; this parameter has ${quoted(parameter.shape)}`);
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, dimension) => size === b[dimension]);
}

function validateLengths({ shape, axis, blocks }: Parameter, field: string, violations: Violations): boolean {
  const size = isIndex(axis, shape.length) ? shape[axis] : undefined;
  if (size === undefined) {
    violations.add(`${field}.axis`, `is ${axis}; the shape has dimensions 0 to ${shape.length - 1}`);
    return false;
  }
  if (blocks.length === 0) {
    violations.add(field, 'has neither blocks nor tied_to; exactly one of them must be set');
    return false;
  }
  const wrong = blocks.findIndex(({ length }) => !Number.isSafeInteger(length) || length < 1);
  if (wrong !== -1) {
    const came = quoted(blocks[wrong]?.length);
    violations.add(`${field}.blocks[${wrong}].length`, `must be an integer from 1 to ${size}, not ${came}`);
    return false;
  }
  const sum = blocks.reduce((total, { length }) => total + length, 0);
  if (sum === size) return true;
  violations.add(`${field}.blocks`, `have ${sum} entries together; dimension ${axis} has ${size}`);
  return false;
}

function validateOrigin(
  graph: ArchitectureGraph,
  parameter: Parameter,
  block: Block,
  field: string,
  violations: Violations,
): void {
  const { origin } = block;
  if (origin.kind === 'initialization') {
    validateFilling(origin, `${field}.initialization`, violations);
    return;
  }
  const prediction = `${field}.prediction`;
  if (!isIndex(origin.slot, MAX_SLOT + 1)) {
    violations.add(`${prediction}.slot`, `is ${origin.slot}; 0 to ${MAX_SLOT} are allowed`);
  }
  const node = graph.nodes[origin.node];
  if (node === undefined) {
    const last = graph.nodes.length - 1;
    violations.add(`${prediction}.node`, `is ${origin.node}; the graph has nodes 0 to ${last}`);
  }
  const shape = predictedShape(parameter, block);
  const misfit = roleMisfit(origin, shape) ?? (node && positionMisfit(shape, node.shape));
  if (misfit !== undefined) violations.add(`${prediction}.role`, misfit);
}

function validateFilling(filling: Filling, field: string, violations: Violations): void {
  const number = fillingNumber(filling);
  const wrong = (name: string, allowed: string): void => {
    violations.add(`${field}.${name}`, `must be ${allowed}, not ${number}`);
  };
  const { rule } = filling;
  if (rule !== 'constant' && rule !== 'uniform') {
    if (!(Number.isFinite(number) && number >= 0)) {
      wrong('standard_deviation', 'a finite number of at least 0');
    }
  } else if (!Number.isFinite(Math.fround(number)) || (rule === 'uniform' && number < 0)) {
    if (rule === 'constant') wrong('value', 'finite in float32');
    else wrong('bound', 'at least 0 and finite in float32');
  }
}

/** Why no decoder makes a block of this shape for its role; undefined where one does. */
function roleMisfit({ role }: PredictionOrigin, shape: readonly number[]): string | undefined {
  if (role === 'norm_weight' || role === 'bias') {
    const name = role === 'bias' ? 'ROLE_BIAS' : 'ROLE_NORM_WEIGHT';
    return shape.length === 1 ? undefined : `${name} needs 1 dimension; the parameter has ${shape.length}`;
  }
  const name = role === 'matrix' ? 'ROLE_MATRIX' : 'ROLE_EMBEDDING';
  if (shape.length < 2) return `${name} needs 2 to 4 dimensions; the parameter has ${shape.length}`;
  const [first = 0, tokens = 0, channels = 0] = shape;
  if (shape.length !== 3 || (first === 1 && tokens > 1 && channels > 1)) return undefined;
  return `a block of shape ${quoted(shape)} is not supported; with 3 dimensions it must be (1, t, c), t and c above 1`;
}

/** Position embeddings (1, t, c) are decoded as a square of s * s tokens, where (1, c, s, s) is the node's shape. */
function positionMisfit(shape: readonly number[], nodeShape: readonly number[]): string | undefined {
  if (shape.length !== 3) return undefined;
  const [, tokens = 0, width = 0] = shape;
  const [out, channels, side = 0, other] = nodeShape;
  const isSquare = nodeShape.length === 4 && out === 1 && channels === width && side === other;
  if (isSquare && side * side <= tokens + 1) return undefined;
  const square = Math.floor(Math.sqrt(tokens));
  const needed = quoted([1, width, square, square]);
  return `a block of shape ${quoted(shape)} needs a node of shape ${needed}; the node has ${quoted(nodeShape)}`;
}
