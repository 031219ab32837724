/** Factors of many nodes at a time: a call of ONNX Runtime costs more than the arithmetic of a small tensor. */

import type { BundleSessions, Factors } from '../hypernet/sessions';
import { coreRows, type CoreSizes } from '../plan/core';
import type { FactorNeed } from './factor-store';

/** Bytes that are expanded at a time, at most, but for a single factor that has more. */
const EXPANDED_BYTES = 8 * 2 ** 20;

/** One factor on its way: its core rows, and what is wanted of what they are expanded to. */
interface Half {
  readonly core: Float32Array;
  /** Numbers that each core row is expanded to. */
  readonly columns: number;
  readonly elements: number;
  factor: Float32Array;
}

/** The factors, in the order of the needs. */
export async function decodeFactors(
  needs: readonly FactorNeed[],
  sessions: BundleSessions,
  sizes: CoreSizes,
): Promise<Factors[]> {
  if (needs.length === 0) return [];
  if (!sessions.hasExpansion) {
    const made: Factors[] = [];
    for (const { embedding, slot, m, n } of needs) made.push(await sessions.factors(embedding, slot, m, n));
    return made;
  }
  const cores = await sessions.cores(
    needs.map(({ embedding, slot, m, n }) => ({
      embedding,
      slot,
      rowsA: coreRows(m, sizes),
      rowsB: coreRows(n, sizes),
    })),
  );
  const half = (core: Float32Array, rows: number): Half => {
    const elements = rows * sizes.rank;
    return { core, columns: Math.min(elements, sizes.ck), elements, factor: core };
  };
  const pairs = needs.map(({ m, n }, index) => {
    const { a, b } = cores[index] as Factors;
    return [half(a, m), half(b, n)] as const;
  });
  for (const alike of ofEqualColumns(pairs.flat())) await expand(alike, sessions, sizes);
  return pairs.map(([a, b]) => ({ a: a.factor, b: b.factor }));
}

/** Groups that one product expands. */
function* ofEqualColumns(halves: readonly Half[]): Generator<readonly Half[], void, undefined> {
  const groups = new Map<number, { halves: Half[]; elements: number }>();
  for (const half of halves) {
    const { columns, elements } = half;
    const group = groups.get(columns);
    if (group !== undefined && (group.elements + elements) * 4 <= EXPANDED_BYTES) {
      group.halves.push(half);
      group.elements += elements;
      continue;
    }
    if (group !== undefined) yield group.halves;
    groups.set(columns, { halves: [half], elements });
  }
  for (const group of groups.values()) yield group.halves;
}

async function expand(halves: readonly Half[], sessions: BundleSessions, { rank }: CoreSizes): Promise<void> {
  const cores = joined(halves.map(({ core }) => core));
  const columns = halves[0]?.columns ?? 0;
  const expanded = await sessions.expanded(cores, columns);
  let at = 0;
  for (const half of halves) {
    half.factor = expanded.subarray(at, at + half.elements);
    at += (half.core.length / rank) * columns;
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
