/** What an equation of `Einsum` says of a weight. */

/** Dimensions of a weight that are summed over, and those that are dimensions of the result alone. */
export interface EinsumIndices {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/**
 * Of the operand `at`, 0 or 1, which has `rank` dimensions; undefined where the equation is not of two operands, or has
 * other letters than these. Dimensions that both operands and the result have are neither.
 */
export function weightIndices(equation: string, at: 0 | 1, rank: number): EinsumIndices | undefined {
  const [left = '', result] = equation.replaceAll(' ', '').split('->');
  const operands = left.split(',');
  const [own, other] = [operands[at], operands[1 - at]];
  if (operands.length !== 2 || own === undefined || other === undefined) return undefined;
  const letters = lettersOf(own, rank);
  const kept = result ?? implicitResult(own + other);
  if (letters === undefined) return undefined;
  const inputs: number[] = [];
  const outputs: number[] = [];
  letters.forEach((letter, axis) => {
    if (letter === '.') return;
    if (!kept.includes(letter)) inputs.push(axis);
    else if (!other.includes(letter)) outputs.push(axis);
  });
  return { inputs, outputs };
}

/** One letter a dimension; dots for those that an ellipsis stands for. */
function lettersOf(operand: string, rank: number): readonly string[] | undefined {
  const [before = '', after] = operand.split('...');
  const missing = rank - before.length - (after?.length ?? 0);
  if (missing < 0 || (after === undefined && missing > 0)) return undefined;
  return Array.from(before + '.'.repeat(missing) + (after ?? ''));
}

/** Letters that occur once, where the equation has no arrow. */
function implicitResult(letters: string): string {
  return Array.from(letters)
    .filter((letter) => letters.split(letter).length === 2)
    .join('');
}
