import { elementCount, type GraphNode } from './graph';
import { MAX_NAME, Names } from './names';
import { quoted, type Violations } from './violations';

const MAX_DIMENSIONS = 4;

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
    validateShape(shape, 0, `${field}.shape`, violations);
  });
}

/** Returns whether the shape has from `least` to 4 dimensions of at least 1, and a number of elements that is exact. */
export function validateShape(
  shape: readonly number[],
  least: number,
  field: string,
  violations: Violations,
): boolean {
  if (shape.length < least || shape.length > MAX_DIMENSIONS) {
    violations.add(field, `has ${shape.length} dimensions; ${least} to ${MAX_DIMENSIONS} are allowed`);
    return false;
  }
  const wrong = shape.findIndex((size) => !Number.isSafeInteger(size) || size < 1);
  if (wrong !== -1) {
    violations.add(
      `${field}[${wrong}]`,
      `must be an integer from 1 to 2^53 - 1, not ${quoted(shape[wrong])}`,
    );
    return false;
  }
  if (!Number.isSafeInteger(elementCount(shape))) {
    violations.add(field, `${quoted(shape)} has more than 2^53 - 1 elements`);
    return false;
  }
  return true;
}
