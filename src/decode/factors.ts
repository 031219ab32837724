/** Factors of many nodes at a time: a call of ONNX Runtime costs more than the arithmetic of a small tensor. */

import { expansionWindow, type ExpansionWindow, type FactorRows } from '../expansion-window';
import type { BundleSessions, Factors } from '../hypernet/sessions';
import { coreRows, type CoreSizes } from '../plan/core';
import type { FactorNeed } from './factor-store';

/** Bytes that are expanded at a time, at most, but for a single factor that has more. */
const EXPANDED_BYTES = 8 * 2 ** 20;

/** One factor on its way: its core rows, and what is wanted of what they are expanded to. */
interface Half {
  readonly core: Float32Array;
  readonly window: ExpansionWindow;
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
    for (const need of needs) made.push(await factorsOfBefore(need, sessions, sizes));
    return made;
  }
  const cores = await sessions.cores(
    needs.map(({ embedding, slot, a, b }) => ({
      embedding,
      slot,
      rowsA: coreRows(a.first + a.count, sizes),
      rowsB: coreRows(b.first + b.count, sizes),
    })),
  );
  const pairs = needs.map(({ a, b }, index) => {
    const core = cores[index] as Factors;
    return [halfOf(core.a, a, sizes), halfOf(core.b, b, sizes)] as const;
  });
  for (const alike of ofEqualColumns(pairs.flat())) await expand(alike, sessions, sizes);
  return pairs.map(([a, b]) => ({ a: a.factor, b: b.factor }));
}

/** Of a bundle without an expansion. */
async function factorsOfBefore(
  { embedding, slot, a, b }: FactorNeed,
  sessions: BundleSessions,
  { rank }: CoreSizes,
): Promise<Factors> {
  const made = await sessions.factors(embedding, slot, a.first + a.count, b.first + b.count);
  return { a: made.a.subarray(a.first * rank), b: made.b.subarray(b.first * rank) };
}

function halfOf(core: Float32Array, rows: FactorRows, sizes: CoreSizes): Half {
  const window = expansionWindow(rows, sizes);
  const first = window.firstRow * sizes.rank;
  const own = core.subarray(first, first + window.rows * sizes.rank);
  return { core: own, window, factor: own };
}

/** Groups that one product expands. */
function* ofEqualColumns(halves: readonly Half[]): Generator<readonly Half[], void, undefined> {
  const groups = new Map<string, { halves: Half[]; elements: number }>();
  for (const half of halves) {
    const { firstColumn, columns: count, elements } = half.window;
    const columns = `${firstColumn}+${count}`;
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
  const [first] = halves;
  if (first === undefined) return;
  const { firstColumn, columns } = first.window;
  const expanded = await sessions.expanded(joined(halves.map(({ core }) => core)), firstColumn, columns);
  let at = 0;
  for (const half of halves) {
    const { start, elements } = half.window;
    half.factor = expanded.subarray(at + start, at + start + elements);
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
