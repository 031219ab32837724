import { elementCount, type GraphNode } from './graph';
import { MAX_NAME, Names } from './names';
import { quoted, type Violations } from './violations';

/** As many as NumPy 1 and PyTorch can hold. */
const MAX_DIMENSIONS = 32;

/** Names, operations and shapes; node 0 is the input. */
export function validateNodes(nodes: readonly GraphNode[], violations: Violations): void {
  const [input] = nodes;
  if (input === undefined) {
    violations.add('architecture.graph.nodes', 'is empty; node 0 must be the input');
  } else if (input.operation !== 'input') {
    const came = quoted(input.operation);
    violations.add(
      'architecture.graph.nodes[0].operation',
      `must be "input", the network's input, not ${came}`,
    );
  }
  const names = new Names('nodes', violations);
  nodes.forEach(({ name, operation, shape }, index) => {
    const field = `architecture.graph.nodes[${index}]`;
    names.add(name, index);
    if (operation === '') violations.add(`${field}.operation`, 'is empty');
    if (operation.length > MAX_NAME) {
      violations.add(
        `${field}.operation`,
        `has ${operation.length} characters; at most ${MAX_NAME} are allowed`,
      );
    }
    validateShape(shape, 1, `${field}.shape`, violations);
  });
}

/** Returns whether the shape has up to 32 dimensions of at least `least`, and a number of elements that is exact. */
export function validateShape(
  shape: readonly number[],
  least: 0 | 1,
  field: string,
  violations: Violations,
): boolean {
  if (shape.length > MAX_DIMENSIONS) {
    violations.add(field, `has ${shape.length} dimensions; 0 to ${MAX_DIMENSIONS} are allowed`);
    return false;
  }
  const wrong = shape.findIndex((size) => !Number.isSafeInteger(size) || size < least);
  if (wrong !== -1) {
    violations.add(
      `${field}[${wrong}]`,
      `must be an integer from ${least} to 2^53 - 1, not ${quoted(shape[wrong])}`,
    );
    return false;
  }
  // A 0 among them does not make the others small: strides are products of those behind it.
  if (!Number.isSafeInteger(elementCount(shape.map((size) => Math.max(1, size))))) {
    violations.add(field, `${quoted(shape)} has more than 2^53 - 1 elements`);
    return false;
  }
  return true;
}
