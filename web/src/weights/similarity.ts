/** Cosines between tensors of equal shape, from their low-rank factors or, of small ones, from their elements. */

import { service } from '../contract/client';
import { Representation, type TensorPlan } from '../../../src/gen/es/logah/v1/logah_pb';
import { isNoisy, type Settings } from '../state/app-state';
import type { Network, TensorEntry } from '../state/network';
import { keyOf, requestOf } from '../state/requests';
import type { Source } from '../state/source';
import { floatsOf } from './inspections';

/** Tensors that are compared, and their elements if they have no factors, at most. */
export const MOST_COMPARED = 48;
const MOST_BYTES = 64 * 2 ** 20;

/** The tensors that play the same part in other layers: equal shapes, and names that differ in a number. */
export function peersOf(network: Network, tensor: TensorEntry): readonly TensorEntry[] {
  const pattern = tensor.name.replace(/\d+/g, '#');
  const shape = tensor.shape.join('x');
  return network.tensors
    .filter(
      (other) => other.sent && other.shape.join('x') === shape && other.name.replace(/\d+/g, '#') === pattern,
    )
    .slice(0, MOST_COMPARED);
}

const kept = new Map<string, Promise<Float32Array>>();

/** Cosines [n, n] of n tensors. Rejects with ConnectError, or an Error where too much would have to be fetched. */
export function cosines(
  source: Source,
  settings: Settings,
  tensors: readonly TensorEntry[],
): Promise<Float32Array> {
  const key = `${keyOf(source, settings)}/${tensors.map(({ name }) => name).join('\n')}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const computed = compute(source, settings, tensors);
  kept.set(key, computed);
  computed.catch(() => kept.delete(key));
  return computed;
}

/** A block of a tensor: a product of factors, or its elements. */
type Part =
  | {
      readonly kind: 'product';
      readonly rows: number;
      readonly columns: number;
      readonly rank: number;
      readonly a: Float32Array;
      readonly b: Float32Array;
    }
  | { readonly kind: 'elements'; readonly values: Float32Array };

async function compute(
  source: Source,
  settings: Settings,
  tensors: readonly TensorEntry[],
): Promise<Float32Array> {
  const parts = await fetchParts(source, settings, tensors);
  const count = tensors.length;
  const products = new Float64Array(count * count);
  for (let one = 0; one < count; one++) {
    for (let other = one; other < count; other++) {
      products[one * count + other] = innerProduct(parts[one] ?? [], parts[other] ?? []);
    }
    // The page has its turn between the rows.
    await new Promise((resolve) => setTimeout(resolve));
  }
  const cosine = new Float32Array(count * count);
  for (let one = 0; one < count; one++) {
    for (let other = one; other < count; other++) {
      const norms = Math.sqrt((products[one * count + one] ?? 0) * (products[other * count + other] ?? 0));
      const value = norms === 0 ? 0 : (products[one * count + other] ?? 0) / norms;
      cosine[one * count + other] = value;
      cosine[other * count + one] = value;
    }
  }
  return cosine;
}

async function fetchParts(
  source: Source,
  settings: Settings,
  tensors: readonly TensorEntry[],
): Promise<readonly (readonly Part[])[]> {
  const wanted = {
    tensors: tensors.map(({ name }) => name),
    representation: isNoisy(settings) ? Representation.DENSE : Representation.FACTORS,
  };
  let plans: readonly TensorPlan[] = [];
  let bytes = new Uint8Array(0);
  for await (const { message } of service.predict(requestOf(source, settings, wanted))) {
    if (message.case === 'plan') {
      plans = message.value.tensors.filter(({ sent }) => sent);
      const total = Number(message.value.totalBytes);
      if (total > MOST_BYTES) {
        throw new Error('these tensors have no factors and are too large to be compared here');
      }
      bytes = new Uint8Array(total);
    } else if (message.case === 'chunk') bytes.set(message.value.data, Number(message.value.offset));
  }
  return plans.map((plan) => partsOf(plan, bytes));
}

function partsOf(plan: TensorPlan, bytes: Uint8Array): readonly Part[] {
  const start = Number(plan.offset);
  const values = floatsOf(bytes.subarray(start, start + Number(plan.bytes)));
  if (plan.factors.length === 0) return [{ kind: 'elements', values }];
  let at = 0;
  const take = (length: number): Float32Array => values.subarray(at, (at += length));
  return plan.factors.map(({ rows, columns, m, n, rank }) => ({
    kind: 'product',
    rows: Number(rows),
    columns: Number(columns),
    rank,
    a: take(Number(m) * rank),
    b: take(Number(n) * rank),
  }));
}

/** The sum of products of equal elements; blocks of equal tensors lie in the same places. */
function innerProduct(one: readonly Part[], other: readonly Part[]): number {
  return one.reduce((sum, part, index) => {
    const match = other[index];
    if (part.kind === 'elements') {
      return match?.kind === 'elements' ? sum + dot(part.values, match.values) : sum;
    }
    if (match?.kind !== 'product') return sum;
    const rows = crossGram(part.a, match.a, part.rank, match.rank, part.rows);
    const columns = crossGram(part.b, match.b, part.rank, match.rank, part.columns);
    return sum + rows.reduce((inner, value, at) => inner + value * (columns[at] ?? 0), 0);
  }, 0);
}

/** Aᵀ · B [rank, rank] of factors whose rows repeat from their beginning until there are `rows`. */
function crossGram(
  a: Float32Array,
  b: Float32Array,
  rankA: number,
  rankB: number,
  rows: number,
): Float64Array {
  const gram = new Float64Array(rankA * rankB);
  const [m, n] = [a.length / rankA, b.length / rankB];
  // Where both repeat in the same way, each row counts as often as it occurs.
  const distinct = m === n ? Math.min(m, rows) : rows;
  for (let row = 0; row < distinct; row++) {
    const times = m === n ? Math.floor(rows / m) + (row < rows % m ? 1 : 0) : 1;
    const [atA, atB] = [(row % m) * rankA, (row % n) * rankB];
    for (let i = 0; i < rankA; i++) {
      const weight = (a[atA + i] as number) * times;
      for (let j = 0; j < rankB; j++) {
        gram[i * rankB + j] = (gram[i * rankB + j] as number) + weight * (b[atB + j] as number);
      }
    }
  }
  return gram;
}

function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index++) sum += (one[index] as number) * (other[index] as number);
  return sum;
}
