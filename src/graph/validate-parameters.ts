import { fillingFault, type Filling } from './filling';
import {
  axisEntries,
  elementCount,
  viewOf,
  type ArchitectureGraph,
  type Block,
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

/** Dimensions of a view: no decoder makes blocks of more. */
const MAX_VIEW = 4;

/** Every parameter is covered by blocks that can be made, or shares the storage of one that is, or is kept. */
export function validateParameters(graph: ArchitectureGraph, violations: Violations): void {
  if (graph.parameters.length === 0) violations.add('architecture.graph.parameters', 'is empty');
  const names = new Names('parameters', violations);
  graph.parameters.forEach(({ name }, index) => {
    names.add(name, index);
  });
  graph.parameters.forEach((parameter, index) => {
    const field = `architecture.graph.parameters[${index}]`;
    if (!validateShape(parameter.shape, 0, `${field}.shape`, violations)) return;
    if (parameter.tiedTo !== undefined) {
      const target = graph.parameters[names.indexOf(parameter.tiedTo) ?? -1];
      validateTie(parameter, parameter.tiedTo, target, field, violations);
    } else if (parameter.keep === 'always') {
      validateKept(parameter, field, violations);
    } else if (
      validateLayout(parameter, field, violations) &&
      validateView(parameter, field, violations) &&
      validateLengths(parameter, field, violations)
    ) {
      parameter.blocks.forEach((block, position) => {
        validateOrigin(graph, parameter, block, `${field}.blocks[${position}]`, violations);
      });
    }
  });
}

function validateKept({ blocks }: Parameter, field: string, violations: Violations): void {
  if (blocks.length === 0) return;
  violations.add(field, 'has both blocks and keep KEEP_ALWAYS; one of them must be left out');
}

/** A view has 1 to 4 dimensions and the elements of the shape. */
function validateView({ shape, view }: Parameter, field: string, violations: Violations): boolean {
  if (view === undefined) return true;
  if (!validateShape(view, 1, `${field}.view`, violations)) return false;
  if (view.length > MAX_VIEW) {
    violations.add(`${field}.view`, `has ${view.length} dimensions; 1 to ${MAX_VIEW} are allowed`);
    return false;
  }
  const [elements, needed] = [elementCount(view), elementCount(shape)];
  if (elements === needed) return true;
  violations.add(
    `${field}.view`,
    `${quoted(view)} has ${elements} elements; the shape ${quoted(shape)} has ${needed}`,
  );
  return false;
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

function validateLengths(parameter: Parameter, field: string, violations: Violations): boolean {
  const { shape, view, axis, blocks, repetitions = 1 } = parameter;
  const dimensions = (view ?? shape).length;
  const size = axisEntries(parameter);
  const where = view === undefined ? 'shape' : 'view';
  if (!isIndex(axis, Math.max(1, dimensions))) {
    violations.add(
      `${field}.axis`,
      `is ${axis}; the ${where} has dimensions 0 to ${Math.max(1, dimensions) - 1}`,
    );
    return false;
  }
  const isEmpty = elementCount(shape) === 0;
  if (blocks.length === 0) {
    if (isEmpty) return true;
    violations.add(field, 'has neither blocks nor tied_to; exactly one of them must be set');
    return false;
  }
  const least = size === 0 ? 0 : 1;
  const wrong = blocks.findIndex(({ length }) => !Number.isSafeInteger(length) || length < least);
  if (wrong !== -1) {
    const came = quoted(blocks[wrong]?.length);
    violations.add(
      `${field}.blocks[${wrong}].length`,
      `must be an integer from ${least} to ${size}, not ${came}`,
    );
    return false;
  }
  const sum = blocks.reduce((total, { length }) => total + length, 0);
  if (sum * repetitions === size) return true;
  const times = repetitions === 1 ? '' : `, ${sum * repetitions} in ${repetitions} repetitions`;
  violations.add(`${field}.blocks`, `have ${sum} entries together${times}; dimension ${axis} has ${size}`);
  return false;
}

/** A layout says the whole of how blocks lie in the parameter. */
function validateLayout(parameter: Parameter, field: string, violations: Violations): boolean {
  const { layout, shape, axis, blocks, view, repetitions } = parameter;
  if (layout === undefined) return true;
  const fault =
    view !== undefined || repetitions !== undefined
      ? 'is given together with view or repetitions; only one of them is allowed'
      : blocks.length > 1 && axis > 1
        ? `has blocks along dimension ${axis}; only 0 or 1 is allowed`
        : layoutFault(shape, layout);
  if (fault !== undefined) violations.add(`${field}.layout`, fault);
  return fault === undefined;
}

function validateOrigin(
  graph: ArchitectureGraph,
  parameter: Parameter,
  block: Block,
  field: string,
  violations: Violations,
): void {
  const { origin, fallback } = block;
  const isEmpty = elementCount(parameter.shape) === 0;
  if (origin.kind === 'initialization') {
    validateFilling(origin, parameter, `${field}.initialization`, violations);
    return;
  }
  if (fallback !== undefined) validateFilling(fallback, parameter, `${field}.fallback`, violations);
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
  const [leading = 1, ...others] = parameter.layout?.shape ?? viewOf(parameter);
  const misfit = isEmpty
    ? 'needs elements; the parameter has none'
    : (roleMisfit(origin, shape) ??
      (others.length === 2 && leading !== 1 ? `needs a parameter of shape (1, t, c) or a view` : undefined) ??
      (node && positionMisfit(shape, node.shape)));
  if (misfit !== undefined) violations.add(`${prediction}.role`, misfit);
}

function validateFilling(
  filling: Filling,
  { shape }: Parameter,
  field: string,
  violations: Violations,
): void {
  const fault = fillingFault(filling, shape.length);
  if (fault !== undefined) violations.add(`${field}.${fault.field}`, fault.description);
}

/** Why no decoder makes a block of this shape for its role; undefined where one does. */
function roleMisfit({ role }: PredictionOrigin, shape: readonly number[]): string | undefined {
  if (role === 'norm_weight' || role === 'bias') {
    const name = role === 'bias' ? 'ROLE_BIAS' : 'ROLE_NORM_WEIGHT';
    return shape.length === 1 ? undefined : `${name} needs 1 dimension; the parameter has ${shape.length}`;
  }
  const name = role === 'matrix' ? 'ROLE_MATRIX' : 'ROLE_EMBEDDING';
  if (shape.length < 2) return `${name} needs 2 dimensions or more; the parameter has ${shape.length}`;
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
